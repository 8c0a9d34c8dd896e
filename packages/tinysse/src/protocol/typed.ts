import type { SSEIssue } from '../errors.js';
import { type Codec, json } from './codec.js';

/** The part of a Standard Schema (standardschema.dev, version 1) that is used: Zod, Valibot, ArkType and others have it. */
export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}

type SchemaResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly SSEIssue[] };

type SchemaTypes<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>;

/**
 * A codec that validates, with a schema for each event. A server refuses to publish what its schema does not take; a
 * client reports it, as it does an event that has no schema, and gives the others what the schema makes of them.
 *
 * @param schemas - by event name, `message` for events without one; they have to answer at once, not by a promise
 * @param codec - between data and text. Default: `json`
 * @example
 * export const events = typed({ update: z.object({ id: z.string() }) });
 * const sse = createSSEServer({ codec: events });
 * const client = createSSEClient({ endpoint: '/events', codec: events });
 * client.on('update', ({ data }) => console.log(data.id));
 */
export function typed<Schemas extends Record<string, StandardSchema>>(
  schemas: Schemas,
  codec: Codec = json,
): Codec<
  { [Name in keyof Schemas]: SchemaTypes<Schemas[Name]>['output'] },
  { [Name in keyof Schemas]: SchemaTypes<Schemas[Name]>['input'] }
> {
  const check = (value: unknown, event: string): never => {
    const schema = Object.hasOwn(schemas, event) ? schemas[event] : undefined;
    const result = schema?.['~standard'].validate(value) ?? { issues: [{ message: 'the event has no schema' }] };
    if (result instanceof Promise)
      throw new TypeError('the schema answers by a promise; events need one that answers at once');
    if (!result.issues) return result.value as never;
    throw Object.assign(new TypeError(Array.from(result.issues, describe).join('; ')), { issues: result.issues });
  };
  return {
    encode(data, event) {
      check(data, event);
      return codec.encode(data, event);
    },
    decode: (text, event) => check(codec.decode(text, event), event),
  };
}

// Array.from: issues and paths may be arrays of a class of their own, whose methods do other things.
const describe = ({ message, path = [] }: SSEIssue): string =>
  Array.from(path, (step) => `${String(typeof step === 'object' ? step.key : step)}: `).join('') + message;

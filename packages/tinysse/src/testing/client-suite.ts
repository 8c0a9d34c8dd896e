import type { SSEClient, SSEClientOptions } from '../client/types.js';
import { type ClientCase, type ClientUnderTest, runClientCase } from './client-case.js';
import { eventSourceCases, httpCases } from './client-http.js';
import { parsingCases } from './client-parsing.js';
import { reconnectionCases } from './client-reconnection.js';
import { tinysseCases } from './client-tinysse.js';

/**
 * What a client of event streams does, case by case. Every client keeps `standard`, an EventSource `eventSource` too, a
 * client of tinysse servers `tinysse` instead.
 *
 * @example
 * const server = await createScriptedServer(); // of tinysse/testing/server
 * for (const test of [...clientSuite.standard, ...clientSuite.eventSource])
 *   it(test.name, () => runClientCase(test, eventSourceUnderTest(MyEventSource), server.url));
 */
export const clientSuite: Readonly<Record<'standard' | 'eventSource' | 'tinysse', readonly ClientCase[]>> = {
  standard: [...parsingCases, ...httpCases, ...reconnectionCases],
  eventSource: eventSourceCases,
  tinysse: tinysseCases,
};

/** How a case went; without an error it passed. */
export interface ClientCaseResult {
  name: string;
  error?: string;
}

/**
 * Holds a client to many cases, several at once.
 *
 * @param server - the URL of a scripted server
 * @param onResult - hears of each as it ends
 * @param atOnce - how many run at once; browsers open six connections to a server
 */
export async function runClientSuite(
  cases: readonly ClientCase[],
  client: ClientUnderTest,
  server: string,
  onResult: (result: ClientCaseResult) => void,
  atOnce = 4,
): Promise<void> {
  const left = [...cases];
  const work = async (): Promise<void> => {
    for (let test = left.shift(); test; test = left.shift()) {
      const { name } = test;
      await runClientCase(test, client, server).then(
        () => onResult({ name }),
        (error) => onResult({ name, error: String(error?.message ?? error) }),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

interface EventSourceLike {
  readonly readyState: number;
  // biome-ignore lint/suspicious/noExplicitAny: a browser's listeners take more than this reads
  addEventListener(type: string, listener: (event: any) => void): void;
  close(): void;
}

/** A client under test of a class of EventSource, a browser's own or another. */
export const eventSourceUnderTest =
  (EventSource: new (url: string) => EventSourceLike): ClientUnderTest =>
  (url, hears, events) => {
    const source = new EventSource(url);
    for (const name of new Set(['message', ...events]))
      source.addEventListener(name, ({ type, lastEventId, data, origin }) =>
        hears.message({ id: lastEventId, event: type, data, origin }),
      );
    source.addEventListener('open', () => hears.open());
    source.addEventListener('error', () => (source.readyState === 2 ? hears.closed() : hears.lost()));
    return () => source.close();
  };

/** A client under test of `createSSEClient`. */
export const sseClientUnderTest =
  (create: (options: SSEClientOptions) => SSEClient): ClientUnderTest =>
  (url, hears) => {
    const client = create({ endpoint: url });
    client.onMessage((message) => hears.message(message));
    client.onOpen(() => hears.open());
    client.onReset(({ reason }) => hears.reset(reason));
    client.onSnapshot(({ reason, complete }) => hears.snapshot(reason, complete));
    client.onError(({ willRetry }) => willRetry && hears.lost());
    let closing = false;
    client.onStateChange((state) => state === 'closed' && !closing && hears.closed());
    client.connect();
    return () => {
      closing = true;
      client.close();
    };
  };

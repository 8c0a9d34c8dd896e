import type { SSEError } from '../errors.js';
import type { SSEMessage } from '../protocol/event.js';
import { decoded } from './decoded.js';
import type { SSEClient, SSEClientOptions } from './types.js';

type Listener = (value: never) => void;
type Message = SSEMessage<string, unknown>;

// Keys of listeners beside the names of events, which are strings.
const MESSAGE = 0;
export const RESET = 1;
const ERROR = 2;
export const OPEN = 3;
export const STATE = 4;
export const SNAPSHOT = 5;

/** What an application listens with. */
type Hearing<Events extends object> = Pick<
  SSEClient<Events>,
  'onMessage' | 'on' | 'onReset' | 'onSnapshot' | 'onError' | 'onOpen' | 'onStateChange'
>;

/**
 * Listeners by key. One that throws stops neither the others nor the caller.
 *
 * @param logger - takes errors, and what listeners throw; without one that becomes an uncaught error, so that it is
 * never silent
 * @param codec - makes data of the text of messages
 */
export function createListeners<Events extends object>({
  logger,
  codec,
}: Pick<SSEClientOptions<Events>, 'logger' | 'codec'>) {
  const all = new Set<[key: unknown, listener: Listener]>();

  /** Runs what belongs to the application: what it throws goes where listeners' errors go. */
  const run = (callback: () => void): void => {
    try {
      callback();
    } catch (error) {
      if (logger) logger('tinysse: a listener threw', error);
      else
        queueMicrotask(() => {
          throw error;
        });
    }
  };
  const emit = (to: unknown, value?: unknown): void => {
    for (const [key, listener] of [...all]) if (key === to) run(() => listener(value as never));
  };
  const report = (error: SSEError): void => {
    logger?.('tinysse:', error);
    emit(ERROR, error);
  };
  const adder = (key: unknown) => (listener: Listener) => {
    const entry = [key, listener] as [unknown, Listener];
    all.add(entry);
    return () => void all.delete(entry);
  };
  const hearing = {
    onMessage: adder(MESSAGE),
    on: (event: string, listener: Listener) => adder(event)(listener),
    onReset: adder(RESET),
    onSnapshot: adder(SNAPSHOT),
    onError: adder(ERROR),
    onOpen: adder(OPEN),
    onStateChange: adder(STATE),
  } as unknown as Hearing<Events>;

  /** @returns the message as the listeners got it; none if the codec refused its data, which is reported */
  const tell = (message: SSEMessage): Message | undefined => {
    const told = decoded(codec, message, report);
    if (told) {
      emit(MESSAGE, told);
      emit(told.event, told);
    }
    return told;
  };
  return [hearing, run, emit, report, tell] as const;
}

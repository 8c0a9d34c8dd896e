import type { SSEMessage } from '../protocol/event.js';

type Message = SSEMessage<string, unknown>;

/** A queue with so many messages is full; the chunk that fills it is still taken whole. */
const QUEUE_LIMIT = 64;

interface Loop {
  /** What it has not taken; the first is the one that its body has in hand. */
  queue: Message[];
  /** Set when no more comes: what it then throws, if anything. */
  end?: [error: Error | undefined];
}

/**
 * The `for await` loops over one client.
 *
 * @param begin - a loop begins; what it returns is told when the loop is over: whether it has been left, or had been
 * ended before, and the id of the last message that its body had, unless it had all
 * @param onTaken - a loop's body is done with a message
 */
export function createLoops(
  begin: () => ((live: boolean, last: string | undefined) => void) | undefined,
  onTaken: (id: string, loop: object) => void,
) {
  const loops = new Set<Loop>();
  /** Whoever waits for anything here looks again at every change. */
  let waiting: (() => void)[] = [];
  const change = () => new Promise<void>((resolve) => waiting.push(resolve));
  const changed = (): void => {
    for (const wake of waiting) wake();
    waiting = [];
  };

  return {
    /** Gives a message to every loop. */
    push(message: Message): void {
      for (const { queue } of loops) queue.push(message);
      changed();
    },
    /** Ends every loop once it has taken what it holds: quietly, or by throwing `error`. */
    end(error?: Error): void {
      for (const loop of loops) loop.end = [error];
      changed();
    },
    /** Resolves when no loop's queue is full. */
    async room(): Promise<void> {
      while ([...loops].some(({ end, queue }) => !end && queue.length > QUEUE_LIMIT)) await change();
    },
    /** Whether no loop but `except` holds a message. */
    idle: (except?: object): boolean => [...loops].every((loop) => loop === except || !loop.queue.length),

    async *open(): AsyncGenerator<Message, void, void> {
      const queue: Message[] = [];
      const loop: Loop = { queue };
      loops.add(loop);
      const leave = begin();
      try {
        for (;;) {
          const [message] = queue;
          if (message) {
            yield message;
            queue.shift();
            onTaken(message.id, loop);
            changed();
          } else if (loop.end) {
            if (loop.end[0]) throw loop.end[0];
            return;
          } else await change();
        }
      } finally {
        loops.delete(loop);
        changed();
        leave?.(!loop.end, queue[0]?.id);
      }
    },
  };
}

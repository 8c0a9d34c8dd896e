import type { SSEMessage } from '../protocol/event.js';

type Message = SSEMessage<string, unknown>;

/** A queue with so many messages is full; the chunk that fills it is still taken whole. */
const QUEUE_LIMIT = 64;

interface Loop {
  /** What it has not taken; the first is the one that its body has in hand. */
  queue: Message[];
  /** Set when no more comes: what it then throws, if anything. */
  end?: [error: Error | undefined];
  wake?: () => void;
}

/**
 * The `for await` loops over one client.
 *
 * @param begin - a loop begins; what it returns is told when the loop is over, with the id of the last message that
 * its body had, unless it had all
 * @param onTaken - a loop's body is done with a message
 */
export function createLoops(
  begin: () => ((last: string | undefined) => void) | undefined,
  onTaken: (id: string, loop: object) => void,
) {
  const loops = new Set<Loop>();
  let resume: (() => void) | undefined;

  return {
    /** Gives a message to every loop. */
    push(message: Message): void {
      for (const loop of loops) {
        loop.queue.push(message);
        loop.wake?.();
      }
    },
    /** Ends every loop once it has taken what it holds: quietly, or by throwing `error`. */
    end(error: Error | undefined): void {
      for (const loop of loops) {
        loop.end = [error];
        loop.wake?.();
      }
    },
    /** Resolves when no loop's queue is full. */
    async room(): Promise<void> {
      while ([...loops].some((loop) => !loop.end && loop.queue.length > QUEUE_LIMIT))
        await new Promise<void>((resolve) => {
          resume = resolve;
        });
    },
    /** Whether no loop but `except` holds a message. */
    idle: (except?: object): boolean => [...loops].every((loop) => loop === except || !loop.queue.length),

    async *open(): AsyncGenerator<Message, void, void> {
      const loop: Loop = { queue: [] };
      const { queue } = loop;
      loops.add(loop);
      const leave = begin();
      try {
        for (;;) {
          if (queue[0]) {
            yield queue[0];
            onTaken(queue.shift()!.id, loop);
            resume?.();
          } else if (loop.end) {
            if (loop.end[0]) throw loop.end[0];
            return;
          } else
            await new Promise<void>((resolve) => {
              loop.wake = resolve;
            });
        }
      } finally {
        loops.delete(loop);
        resume?.();
        leave?.(queue[0]?.id);
      }
    },
  };
}

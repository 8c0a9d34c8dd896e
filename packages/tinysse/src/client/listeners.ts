/**
 * Listeners by key. One that throws stops neither the others nor the caller.
 *
 * @param logger - takes what listeners throw; without one it becomes an uncaught error, so that it is never silent
 */
export function createListeners(logger?: (...args: unknown[]) => void) {
  const all = new Set<{ key: unknown; listener: (value: never) => void }>();

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

  return {
    run,
    /** @returns its undo */
    add(key: unknown, listener: (value: never) => void): () => void {
      const entry = { key, listener };
      all.add(entry);
      return () => void all.delete(entry);
    },
    emit(key: unknown, value?: unknown): void {
      for (const entry of [...all]) if (entry.key === key) run(() => entry.listener(value as never));
    },
  };
}

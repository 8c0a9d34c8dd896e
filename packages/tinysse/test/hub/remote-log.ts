import type { AsyncLog, Log, LogWatcher } from 'tinysse';
import type { FakeClock } from 'tinysse/testing';
import type { Cursor } from '../../src/protocol/cursor.js';

/**
 * A log as one on another machine behaves, over a log in memory. What it answers and what it reports take their own ways:
 * each comes in order, and either may come long after the other. Reports may be lost, and the log may fail over.
 */
export interface RemoteLog extends AsyncLog {
  /** Nothing arrives on this way until it is released. */
  hold(way: Way): void;
  release(way: Way): void;
  /** Reports are lost from now on. */
  cut(): void;
  /** Reports again; watchers hear that some may have passed. */
  restore(): void;
  /** Another log takes over: its epoch has nothing of this one. */
  failOver(to: Log): void;
}

export type Way = 'answers' | 'reports';

export function remoteLog(first: Log, clock: FakeClock): RemoteLog {
  let log = first;
  let isCut = false;
  const watchers = new Set<LogWatcher>();
  const held: Record<Way, boolean> = { answers: false, reports: false };
  const waiting: Record<Way, (() => void)[]> = { answers: [], reports: [] };

  const send = (way: Way, arrive: () => void): void => {
    if (held[way]) waiting[way].push(arrive);
    else arrive();
  };
  /** The log answers at once; the answer arrives a turn later at the earliest. */
  const answer = <T>(run: () => T | Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      let arrive: () => void;
      try {
        const value = run();
        arrive = () => resolve(value);
      } catch (error) {
        arrive = () => reject(error);
      }
      clock.soon(() => send('answers', arrive));
    });
  const follow = (followed: Log): void => {
    followed.watch({
      committed: (entry) => {
        if (followed !== log || isCut) return;
        send('reports', () => {
          for (const watcher of watchers) watcher.committed(entry);
        });
      },
      interrupted: () => {},
    });
  };
  /** What waits has been overtaken: those who hear of an interruption read. */
  const interrupt = (): void => {
    waiting.reports = [];
    const head = log.head() as Cursor;
    send('reports', () => {
      for (const watcher of watchers) watcher.interrupted(head);
    });
  };
  follow(log);
  return {
    inMemory: false,
    watch(watcher) {
      watchers.add(watcher);
      return log.head();
    },
    unwatch: (watcher) => void watchers.delete(watcher),
    head: () => answer(() => log.head()),
    append: (event) => answer(() => log.append(event)),
    read: (query) => answer(() => log.read(query)),
    stats: () => log.stats(),
    close: () => log.close(),
    hold: (way) => {
      held[way] = true;
    },
    release: (way) => {
      held[way] = false;
      for (const arrive of waiting[way].splice(0)) arrive();
    },
    cut: () => {
      isCut = true;
    },
    restore: () => {
      if (!isCut) return;
      isCut = false;
      interrupt();
    },
    failOver: (to) => {
      log = to;
      follow(to);
      if (!isCut) interrupt();
    },
  };
}

import type { PeerCount } from './log.js';

/** What one command carries at most, so that it does not hold Redis for long. */
const MAX_CHANGES = 2_000;
const MAX_LENGTH = 128 * 2 ** 10;
/** Names told of; those beyond are not. */
const MAX_NAMES = 100_000;

/** What must be said so that Redis knows the present state, or a part of that. */
export interface Changes {
  /** Whether what Redis holds is to be dropped first. */
  readonly anew: boolean;
  /** Texts to take back. */
  readonly gone: readonly string[];
  readonly added: readonly string[];
  /** Whether there are more. */
  readonly more: boolean;
  /** They have been said. @param held - how many texts Redis holds now */
  done(held: number): void;
}

/** What a server has told Redis of itself, to tell the difference only. */
export class Told {
  readonly #counts = new Map<string, number>();
  #anew = true;

  /** What Redis holds may be anything: all is to be told again. */
  forget(): void {
    this.#counts.clear();
    this.#anew = true;
  }

  /** @param state - each name once, with its count; read twice when names have gone */
  changes(state: () => Iterable<PeerCount>): Changes {
    const told = this.#counts;
    const anew = this.#anew;
    const changed: [name: string, count: number | undefined][] = [];
    let [length, room, still] = [0, MAX_NAMES - told.size, 0];
    const full = (): boolean => changed.length >= MAX_CHANGES || length >= MAX_LENGTH;
    const change = (name: string, count: number | undefined): void => {
      changed.push([name, count]);
      length += name.length;
    };
    for (const [name, count] of state()) {
      if (full()) break;
      const known = told.get(name);
      if (known !== undefined) still++;
      else if (room-- <= 0) continue;
      if (known !== count) change(name, count);
    }
    if (!full() && still < told.size) {
      const left = new Set(told.keys());
      for (const [name] of state()) left.delete(name);
      for (const name of left) if (!full()) change(name, undefined);
    }
    const more = full();
    const gone = changed.flatMap(([name]) => (told.has(name) ? [`${name}\t${told.get(name)}`] : []));
    const added = changed.flatMap(([name, count]) => (count === undefined ? [] : [`${name}\t${count}`]));
    const done = (held: number): void => {
      this.#anew = false;
      for (const [name, count] of changed)
        if (count === undefined) told.delete(name);
        else told.set(name, count);
      // It has been flushed, or was taken back to an earlier state.
      if (held !== told.size) this.forget();
    };
    return { anew, gone, added, more, done };
  }
}

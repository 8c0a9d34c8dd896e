import type { FakeClock } from 'tinysse/testing';
import { parse } from '../../../../faults/ledger/cursor.mjs';
import type { Ledger } from '../../../../faults/ledger/ledger.mjs';
import type { SourceEvent } from '../../src/hub/source.js';
import type { Frame } from './bench.js';

export const snapshotKinds = ['whole', 'slow', 'failing', 'failing later'] as const;
export type SnapshotKind = (typeof snapshotKinds)[number];

/** What a server's database holds: the last version of each channel's row. */
export class State {
  readonly rows = new Map<string, number>();
  #version = 0;

  /** Writes the rows of `channels`. @returns the change as data of an event */
  write(channels: readonly string[], text: string): string {
    this.#version++;
    for (const channel of channels) this.rows.set(channel, this.#version);
    return `${this.#version} ${text}`;
  }

  /** The rows of `channels`: at once, or one after the other while the state changes. */
  async *snapshot(channels: readonly string[], kind: SnapshotKind, clock: FakeClock): AsyncGenerator<SourceEvent> {
    if (kind === 'failing') throw new Error('the database is away');
    if (kind === 'whole') return yield* channels.map((channel) => this.#row(channel));
    for (const channel of channels) {
      await new Promise<void>((turn) => clock.soon(turn));
      yield this.#row(channel);
      if (kind === 'failing later') throw new Error('the database went away');
    }
  }

  #row(channel: string): SourceEvent {
    return { event: 'row', data: `${channel} ${this.rows.get(channel) ?? 0}` };
  }
}

/** A page that shows the rows of its channels and knows nothing of gaps: it clears at a snapshot, and applies what comes. */
export class Page {
  readonly #channels: readonly string[];
  readonly #state: State;
  readonly #ledger: Ledger;
  readonly #rows = new Map<string, number>();
  readonly #wrong: string[] = [];
  #inSnapshot = false;
  #cursor = '';

  constructor(channels: readonly string[], state: State, ledger: Ledger) {
    this.#channels = channels;
    this.#state = state;
    this.#ledger = ledger;
  }

  connected(): void {
    this.#inSnapshot = false;
  }

  frame({ id, event, data = '' }: Frame): void {
    if (event === 'tinysse:snapshot') {
      this.#inSnapshot = true;
      this.#rows.clear();
    } else if (event === 'row') this.#apply(data.split(' ')[0] as string, Number(data.split(' ')[1]));
    else if (data !== '' && !event?.startsWith('tinysse:')) this.#applyEvent(id ?? '', data);
    if (id === undefined) return;
    const isEnd = this.#inSnapshot;
    this.#inSnapshot = false;
    this.#cursor = id;
    if (isEnd) this.#checkAt(id);
  }

  #applyEvent(id: string, data: string): void {
    const { epoch, offset } = parse(id);
    for (const channel of this.#ledger.epochs.get(epoch)?.get(offset)?.channels ?? [])
      if (this.#channels.includes(channel)) this.#apply(channel, Number(data.split(' ')[0]));
  }

  /** Applying a change twice, or after a later one, changes nothing. */
  #apply(channel: string, version: number): void {
    this.#rows.set(channel, Math.max(version, this.#rows.get(channel) ?? 0));
  }

  /** What is shown at a cursor is not older than any event up to there. */
  #checkAt(id: string): void {
    const { epoch, offset } = parse(id);
    for (const [at, { channels, data }] of this.#ledger.epochs.get(epoch) ?? [])
      for (const channel of channels)
        if (
          at <= offset &&
          this.#channels.includes(channel) &&
          (this.#rows.get(channel) ?? 0) < Number(data.split(' ')[0])
        )
          this.#wrong.push(`shows ${channel} ${this.#rows.get(channel)} at ${id}, which is older than event ${at}`);
  }

  /** What it showed wrong; at the end it must show the state. */
  violations(name: string): string[] {
    if (this.#inSnapshot) this.#wrong.push('ended in a snapshot');
    this.#checkAt(this.#cursor);
    for (const channel of this.#channels) {
      const [shown, is] = [this.#rows.get(channel) ?? 0, this.#state.rows.get(channel) ?? 0];
      if (shown !== is) this.#wrong.push(`shows ${channel} ${shown} at the end, and it is ${is}`);
    }
    return this.#wrong.map((what) => `the page of ${name} ${what}`);
  }
}

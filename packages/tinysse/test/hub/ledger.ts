import { type Frame, isPublished } from './bench.js';

interface Published {
  readonly offset: number;
  readonly channels: readonly string[];
  readonly data: string;
}

interface Reader {
  readonly channels: readonly string[];
  epoch: string;
  /** Everything of its channels up to here has been seen or excused. */
  offset: number;
  /** Events up to here are excused by the last reset. */
  excused: number;
  started: boolean;
}

const parse = (cursor: string): { epoch: string; offset: number } => {
  const [epoch = '', offset = ''] = cursor.split('-');
  return { epoch, offset: Number(offset) };
};

/** The books: what was published, what each client saw, and whether the promise was kept. */
export class Ledger {
  /** By epoch, in order of offset once balanced. */
  readonly #published = new Map<string, Map<number, Published>>();
  readonly #readers = new Map<number, Reader>();
  /** Checked at the end: a client may see an event before its publisher is told of it. */
  readonly #checks: (() => void)[] = [];

  published(cursor: string, channels: readonly string[], data: string): void {
    const { epoch, offset } = parse(cursor);
    const events = this.#published.get(epoch) ?? new Map<number, Published>();
    this.#published.set(epoch, events.set(offset, { offset, channels, data }));
  }

  /**
   * Reads one connection of a client into the books.
   * @returns the last event id that the client holds afterwards
   */
  connection(client: number, channels: readonly string[], frames: readonly Frame[], lastEventId: string): string {
    let last = lastEventId;
    for (const frame of frames) {
      if (frame.id !== undefined) last = frame.id;
      this.#checks.push(() => this.#read(client, channels, frame));
    }
    return last;
  }

  /** Checks everything. @param head - where every client must have arrived */
  balance(head: string): void {
    for (const check of this.#checks) check();
    const { epoch, offset } = parse(head);
    for (const [client, reader] of this.#readers) {
      if (reader.epoch !== epoch) throw new Error(`client ${client} ended in epoch ${reader.epoch}, not ${epoch}`);
      this.#advance(client, reader, offset + 1);
    }
  }

  #read(client: number, channels: readonly string[], frame: Frame): void {
    let reader = this.#readers.get(client);
    if (!reader) this.#readers.set(client, (reader = { channels, epoch: '', offset: 0, excused: 0, started: false }));
    if (frame.event === 'tinysse:position') {
      const { epoch, offset } = parse(frame.id ?? `${reader.epoch}-${reader.offset}`);
      if (!reader.started) Object.assign(reader, { epoch, offset, started: true });
      // A position may only step over what was not the client's to see.
      else if (epoch === reader.epoch && offset > reader.offset) this.#advance(client, reader, offset + 1);
    } else if (frame.event === 'tinysse:reset') this.#reset(client, reader, frame);
    else if (isPublished(frame)) this.#event(client, reader, frame);
  }

  #reset(client: number, reader: Reader, frame: Frame): void {
    const { resumedAt, reason } = JSON.parse(frame.data ?? '') as { resumedAt: string; reason: string };
    const position = parse(frame.id ?? '');
    if (reason === 'evicted' && position.epoch !== reader.epoch)
      throw new Error(`client ${client}: evicted, but the epoch changed`);
    if (reason === 'evicted' && position.offset < reader.offset)
      throw new Error(`client ${client}: sent back from ${reader.offset}`);
    const { offset } = parse(resumedAt);
    if (offset < position.offset) throw new Error(`client ${client}: resumed at ${resumedAt} before ${frame.id}`);
    Object.assign(reader, { ...position, excused: offset });
  }

  #event(client: number, reader: Reader, frame: Frame): void {
    const { epoch, offset } = parse(frame.id ?? '');
    const event = this.#published.get(epoch)?.get(offset);
    if (!event) throw new Error(`client ${client} got ${frame.id}, which nobody published`);
    if (event.data !== frame.data) throw new Error(`client ${client} got other data for ${frame.id}`);
    if (!event.channels.some((channel) => reader.channels.includes(channel)))
      throw new Error(`client ${client} got ${frame.id} of other channels`);
    if (epoch !== reader.epoch)
      throw new Error(`client ${client} got ${frame.id} in epoch ${reader.epoch} without a reset`);
    if (offset <= reader.offset)
      throw new Error(`client ${client} got ${frame.id} again or out of order, after ${reader.offset}`);
    this.#advance(client, reader, offset);
    reader.offset = offset;
  }

  /** Everything of the reader's channels above its offset and below `offset` must be excused. */
  #advance(client: number, reader: Reader, offset: number): void {
    for (const event of this.#published.get(reader.epoch)?.values() ?? []) {
      const due = event.offset > reader.offset && event.offset < offset && event.offset > reader.excused;
      if (due && event.channels.some((channel) => reader.channels.includes(channel)))
        throw new Error(`client ${client} missed ${reader.epoch}-${event.offset} silently`);
    }
    reader.offset = Math.max(reader.offset, offset - 1);
  }
}

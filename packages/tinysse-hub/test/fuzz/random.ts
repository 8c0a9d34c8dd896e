/** Numbers by chance that a seed repeats. Source: mulberry32, public domain. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns at least 0, less than 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @returns a whole number less than `below` */
  number(below: number): number {
    return Math.floor(this.next() * below);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.number(choices.length)] as T;
  }

  chance(of: number): boolean {
    return this.next() < of;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.number(256)));
  }

  /** Text of all kinds: ASCII, controls, several bytes a character, halves of surrogates. */
  text(length = this.number(30)): string {
    const codes = () =>
      this.pick([this.number(32), 32 + this.number(95), this.number(0x800), 0xd800 + this.number(0x800)]);
    return Array.from({ length }, () => String.fromCharCode(codes())).join('');
  }
}

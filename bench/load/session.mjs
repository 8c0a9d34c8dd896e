import { setTimeout as wait } from 'node:timers/promises';
import { Client, Tally } from './client.mjs';
import { Histogram } from './histogram.mjs';
import { microseconds } from './mark.mjs';
import { audienceOf, planOf } from './plans.mjs';
import { Publisher } from './publisher.mjs';
import { tokenFor } from './tokens.mjs';
import { cpuSeconds, memoryKiB } from './usage.mjs';

/** Connections that are being made at once. */
const DIALLING = 200;
/** How long deliveries may stay away after the last one. */
const PATIENCE_MS = 5_000;
/** How long nothing may come before all is said to have come. */
const QUIET_MS = 60;

/** The parts of one run, for scenarios to use: clients, a publisher, the server's use of the machine. */
export class Session {
  histogram = new Histogram();
  tally = new Tally(this.histogram);
  /** @type {Client[]} */
  clients = [];
  /** Deliveries due so far. */
  expected = 0;
  /** The channels of each event. */
  targets = [];

  #spec;
  #plan;
  #audience = () => 0;

  constructor(spec) {
    this.#spec = spec;
    this.#plan = planOf(spec);
  }

  /** Opens streams, a limited number at once; resolves when all have begun. */
  async connect(count, options) {
    let left = count;
    const added = [];
    const dial = async () => {
      while (left-- > 0) {
        const client = this.#dial(options);
        added.push(client);
        await client.ready;
      }
    };
    await Promise.all(Array.from({ length: DIALLING }, dial));
    this.#audience = audienceOf(this.clients);
    return added;
  }

  /** Begins every connection before the first has been made. */
  async connectAtOnce(count, options) {
    const added = Array.from({ length: count }, () => this.#dial(options));
    await Promise.all(added.map(({ ready }) => ready));
    return added;
  }

  #dial(options) {
    const { port, path, size, tokens } = this.#spec;
    const headers = this.#headers(tokens === 'one' ? 'everybody' : `${performance.now()} ${this.clients.length}`);
    const channels = this.#plan.channelsOf(this.clients.length);
    const client = new Client({ port, path, size, channels, headers, tally: this.tally, ...options });
    this.clients.push(client);
    return client;
  }

  /** What is shown to a hub with keys. */
  #headers(sub) {
    const { secret } = this.#spec;
    return secret === undefined ? '' : `Authorization: Bearer ${tokenFor(secret, sub)}\r\n`;
  }

  async publisher(connections = this.#spec.publishers) {
    const { port, publishPath, size } = this.#spec;
    const publisher = new Publisher({
      port,
      path: publishPath,
      size,
      connections,
      headers: this.#headers('publisher'),
      targetsOf: this.#plan.targetsOf,
      onSend: (targets) => {
        this.targets.push(targets);
        this.expected += this.#audience(targets);
      },
    });
    await publisher.connect();
    return publisher;
  }

  /** Waits until everything that is due has come and nothing more does. */
  async delivered() {
    const { patienceMs = PATIENCE_MS } = this.#spec;
    let before = -1;
    let since = performance.now();
    // Quiet for a while even when all has come: what was sent twice counts as much as what is still missing.
    while (performance.now() - since < (this.tally.delivered < this.expected ? patienceMs : QUIET_MS)) {
      if (this.tally.delivered !== before) {
        before = this.tally.delivered;
        since = performance.now();
      }
      await wait(5);
    }
  }

  /**
   * Marks the beginning of what is measured; the returned function gives what has happened until the last delivery, or
   * for so many seconds.
   */
  measure(firstNumber = this.targets.length) {
    const { pids } = this.#spec;
    this.histogram.clear();
    this.tally.from = firstNumber;
    const began = microseconds();
    this.tally.lastAt = began;
    const before = this.tally.delivered;
    const own = process.cpuUsage();
    const cpu = cpuSeconds(pids);
    return (took) => {
      const used = cpuSeconds(pids) - cpu;
      const { user, system } = process.cpuUsage(own);
      const delivered = this.tally.delivered - before;
      const elapsed = took === undefined ? Math.max(1, this.tally.lastAt - began) : took * 1e6;
      const seconds = elapsed / 1e6;
      return {
        delivered,
        seconds,
        perSecond: delivered / seconds,
        cpuSeconds: used,
        cpuPerDelivery: delivered > 0 ? (used * 1e6) / delivered : 0,
        latency: this.histogram.summary(),
        // Near 1, the generator was the limit. Flat out, neither near 1: other programs disturbed the machine.
        generatorLoad: (user + system) / elapsed,
        serverLoad: (used * 1e6) / elapsed,
      };
    };
  }

  cpu() {
    return cpuSeconds(this.#spec.pids);
  }

  memory() {
    return memoryKiB(this.#spec.pids);
  }
}

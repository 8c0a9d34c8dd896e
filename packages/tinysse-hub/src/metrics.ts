import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type HubStats, type Observer, SSEError } from 'tinysse';
import { SNAPSHOT_CODES, SnapshotFailure } from './snapshot/failure.js';

/** What the hub tells Prometheus. No label names a channel, a user or an address: their number has no bound. */
export interface Metrics {
  /** To be given to the server of streams. */
  readonly observer: Required<Observer>;
  /**
   * Counts a request that is answered with an error.
   * @param observed - whether the server of streams has refused it, which the observer was told
   */
  refused(path: string, code: string, observed?: boolean): void;
  /** The state and all counts, as text. */
  render(stats: HubStats): Promise<string>;
  readonly contentType: string;
}

const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const EVENTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/** @param version - of the program */
export function createMetrics(version: string): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `tinysse_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `tinysse_${name}_total`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `tinysse_${name}`, help, buckets, registers });

  const subscribers = gauge('subscribers', 'Streams that are open: live ones, and those behind.', 'state');
  const channels = gauge('channels', 'Channels with subscribers.');
  const logEvents = gauge('log_events', 'Events that the log retains.');
  const logBytes = gauge('log_bytes', 'Bytes of the events that the log retains, by its own account.');
  const head = gauge('log_head_offset', 'Offset of the last event that the hub has heard of.');
  const logUp = gauge('log_up', '1 when the log answers, 0 when it is away.');
  const pending = gauge('publishes_pending', 'Publishes that the log has not answered yet.');
  const draining = gauge('draining', '1 from the first signal to end, else 0.');
  gauge('build_info', 'The version of the program; always 1.', 'version').set({ version }, 1);

  const connects = counter('connects', 'Requests for a stream: accepted, or the code that refused them.', 'outcome');
  const disconnects = counter('disconnects', 'Streams that have ended, by reason.', 'reason');
  const resumes = counter('resumes', 'Streams that went on at a position: complete, or with a reset.', 'result');
  const resets = counter('resets', 'Gaps that clients were told of, by reason.', 'reason');
  const published = counter('events_published', 'Events that the log has accepted from this hub.');
  const publishErrors = counter('publish_errors', 'Publishes that failed, by code.', 'code');
  const delivered = counter('events_delivered', 'Events written to streams.');
  const deliveredBytes = counter('delivered_bytes', 'Bytes of the events written to streams.');
  const evicted = counter('log_evicted_events', 'Events evicted from the log, by the limit it was for.', 'cause');
  const snapshots = counter('snapshots', 'Snapshots that were written whole, and that failed.', 'result');
  const snapshotErrors = counter('snapshot_errors', 'Snapshots that failed, by code.', 'code');
  const snapshotsNow = gauge('snapshots_current', 'Snapshots that are being made, and that wait.', 'state');
  const refusals = counter('http_refusals', 'Requests of any kind answered with an error, by code.', 'code');

  const publishTime = histogram(
    'publish_duration_seconds',
    "From a publish to the log's answer; events published together count once.",
    SECONDS,
  );
  const delay = histogram('delivery_delay_seconds', 'From hearing of an event to the end of its flush.', SECONDS);
  const snapshotTime = histogram(
    'snapshot_duration_seconds',
    'From the request of a snapshot to its last event.',
    SECONDS,
  );
  const flushEvents = histogram('flush_events', 'Events that one flush brings.', EVENTS);

  // A series that begins with its first count has no rate for it.
  connects.inc({ outcome: 'accepted' }, 0);
  for (const reason of ['gone', 'stalled', 'slow', 'expired', 'disconnected', 'draining', 'ended', 'gap', 'failed'])
    disconnects.inc({ reason }, 0);

  for (const code of [...SNAPSHOT_CODES, 'SNAPSHOT_TIMEOUT']) snapshotErrors.inc({ code }, 0);

  const observer: Required<Observer> = {
    connected: () => connects.inc({ outcome: 'accepted' }),
    disconnected: (_, { reason }) => disconnects.inc({ reason }),
    refused(_request, _context, { code }) {
      connects.inc({ outcome: code });
      refusals.inc({ code });
    },
    published(ms, error) {
      if (error === undefined) publishTime.observe(ms / 1_000);
      else publishErrors.inc({ code: codeOf(error) });
    },
    snapshotTaken(ms, error) {
      snapshotTime.observe(ms / 1_000);
      if (error !== undefined) snapshotErrors.inc({ code: codeOf(error) });
    },
    flushed(events, ms) {
      flushEvents.observe(events);
      delay.observe(ms / 1_000);
    },
  };

  /** What the server of streams counts itself. */
  const take = (stats: HubStats): void => {
    subscribers.set({ state: 'live' }, stats.subscribers - stats.behind);
    subscribers.set({ state: 'behind' }, stats.behind);
    channels.set(stats.channels);
    head.set(stats.offset);
    pending.set(stats.pending);
    draining.set(stats.draining ? 1 : 0);
    logUp.set(stats.log ? 1 : 0);
    for (const [one, value] of [[logEvents, stats.log?.events] as const, [logBytes, stats.log?.bytes] as const])
      if (value === undefined) one.remove();
      else one.set(value);
    set(published, stats.published);
    set(delivered, stats.delivered);
    set(deliveredBytes, stats.deliveredBytes);
    setEach(resumes, 'result', stats.resumes);
    setEach(resets, 'reason', stats.resets);
    const { running, waiting, ...ended } = stats.snapshots;
    setEach(snapshots, 'result', ended);
    for (const [state, value] of Object.entries({ running, waiting })) snapshotsNow.set({ state }, value);
    if (stats.log?.evicted) setEach(evicted, 'cause', stats.log.evicted);
  };

  return {
    observer,
    refused(path, code, observed = false) {
      refusals.inc({ code });
      if (observed) return;
      if (path === '/events') connects.inc({ outcome: code });
      if (path === '/publish') publishErrors.inc({ code });
    },
    render(stats) {
      take(stats);
      return register.metrics();
    },
    contentType: register.contentType,
  };
}

const codeOf = (error: unknown): string =>
  error instanceof SSEError || error instanceof SnapshotFailure ? error.code : 'INTERNAL';

function set(counter: Counter, value: number): void {
  counter.reset();
  counter.inc(value);
}

function setEach(counter: Counter, label: string, values: object): void {
  counter.reset();
  for (const [name, value] of Object.entries(values)) counter.inc({ [label]: name }, value as number);
}

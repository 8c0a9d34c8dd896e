import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { SSEError, type SSEServer } from 'tinysse';
import type { Auth } from './auth/auth.js';
import { consoleRoutes } from './console/assets.js';
import { Refused, sendError } from './http/answer.js';
import { type Cors, isPreflight } from './http/cors.js';
import { READ, type Route } from './http/route.js';
import { notFound, readTarget, refuseEarly } from './http/target.js';
import type { Journal } from './journal.js';
import type { Metrics } from './metrics.js';
import { channelsRoute, disconnectRoute } from './routes/channels.js';
import { type EventsOptions, eventsRoute } from './routes/events.js';
import { type Health, healthRoutes } from './routes/health.js';
import { type PublishLimits, publishRoute } from './routes/publish.js';

export interface AppOptions {
  readonly sse: SSEServer;
  readonly auth: Auth;
  readonly cors: Cors;
  /** Refuses requests that name another Host or come from pages of another site. */
  readonly checkNames: (req: IncomingMessage) => void;
  readonly limits: EventsOptions & PublishLimits;
  /** Both are told of every request that is refused. */
  readonly metrics: Metrics;
  readonly journal: Journal;
  readonly metricsFor: Health['metricsFor'];
  /** Told of errors that are no client's doing. */
  readonly log: (error: unknown) => void;
}

/** The hub's HTTP interface. */
export function createApp(options: AppOptions): RequestListener {
  const { sse, auth, cors, checkNames, limits, metrics, metricsFor, journal, log } = options;
  const routes = new Map<string, Route>([
    ['/publish', { methods: ['POST'], handle: publishRoute(sse, auth, limits) }],
    ['/events', { methods: READ, handle: eventsRoute(sse, auth, limits) }],
    ['/channels', { methods: READ, handle: channelsRoute(sse, auth) }],
    ['/disconnect', { methods: ['POST'], handle: disconnectRoute(sse, auth) }],
    ...healthRoutes(sse, { auth, metrics, metricsFor }),
    ...consoleRoutes(),
  ]);

  const route = (req: IncomingMessage, res: ServerResponse): void | Promise<void> => {
    // First of all, so that a page may read every refusal.
    cors.mark(req, res);
    readTarget(req);
    const target = req.url ?? '/';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const found = routes.get(path);
    checkNames(req);
    refuseEarly(req);
    const { expect } = req.headers;
    if (expect !== undefined && !/^100-continue$/i.test(expect))
      throw new Refused(417, 'EXPECTATION_FAILED', 'no Expect is understood but 100-continue');
    if (!found) throw notFound(path);
    if (isPreflight(req)) return cors.preflight(req, res, found);
    if (!found.methods.includes(req.method ?? '')) {
      const allow = found.methods.join(', ');
      throw new Refused(405, 'METHOD_NOT_ALLOWED', `${req.method} is not for ${path}; use ${allow}`, { allow });
    }
    return found.handle(req, res, mark < 0 ? '' : target.slice(mark + 1));
  };

  return (req, res) => {
    const refuse = (error: unknown): void => {
      const reason = sendError(req, res, error, log);
      if (!reason) return;
      metrics.refused((req.url ?? '').split('?', 1)[0] as string, reason.code, error instanceof SSEError);
      journal.refused(req, reason);
    };
    try {
      const answering = route(req, res);
      if (answering) answering.catch(refuse);
    } catch (error) {
      refuse(error);
    }
  };
}

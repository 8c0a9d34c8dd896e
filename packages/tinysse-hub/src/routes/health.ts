import type { SSEServer } from 'tinysse';
import type { Auth } from '../auth/auth.js';
import { sendJson } from '../http/answer.js';
import { READ, type Route } from '../http/route.js';
import type { Metrics } from '../metrics.js';

export interface Health {
  readonly auth: Auth;
  readonly metrics: Metrics;
  /** Who may read the metrics; an admin shows a token with the claim `tinysse.admin`. */
  readonly metricsFor: 'everyone' | 'admin' | 'nobody';
}

/** What watches over a hub asks: whether it lives, whether to send it clients, and how it is. */
export const healthRoutes = (sse: SSEServer, { auth, metrics, metricsFor }: Health): [string, Route][] => [
  ['/healthz', { methods: READ, handle: (_, res) => sendJson(res, 200, '{"status":"ok"}') }],
  [
    '/readyz',
    {
      methods: READ,
      async handle(_, res) {
        const { draining, log } = await sse.stats();
        const status = draining ? 'draining' : log ? 'ready' : 'log away';
        sendJson(res, status === 'ready' ? 200 : 503, JSON.stringify({ status }));
      },
    },
  ],
  ...(metricsFor === 'nobody' ? [] : [metricsRoute(sse, { auth, metrics, metricsFor })]),
];

/** A scrape looks at every stream, so its text is made once a second however many ask. */
const KEPT_MS = 1_000;

function metricsRoute(sse: SSEServer, { auth, metrics, metricsFor }: Health): [string, Route] {
  let text: Promise<string> | undefined;
  let madeAt = 0;
  const current = (): Promise<string> => {
    const now = performance.now();
    if (text && now - madeAt < KEPT_MS) return text;
    madeAt = now;
    text = sse.stats().then((stats) => metrics.render(stats));
    return text;
  };
  return [
    '/metrics',
    {
      methods: READ,
      async handle(req, res) {
        if (metricsFor === 'admin') await auth.admin(req);
        const text = await current();
        res
          .writeHead(200, { 'content-type': metrics.contentType, 'content-length': Buffer.byteLength(text) })
          .end(text);
      },
    },
  ];
}

import type { SSEServer } from 'tinysse';
import { sendJson } from '../http/answer.js';
import { READ, type Route } from '../http/route.js';
import type { Metrics } from '../metrics.js';

/** What watches over a hub asks: whether it lives, whether to send it clients, and how it is. */
export const healthRoutes = (sse: SSEServer, metrics: Metrics): [string, Route][] => [
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
  [
    '/metrics',
    {
      methods: READ,
      async handle(_, res) {
        const text = await metrics.render(await sse.stats());
        res
          .writeHead(200, { 'content-type': metrics.contentType, 'content-length': Buffer.byteLength(text) })
          .end(text);
      },
    },
  ],
];

import http from 'node:http';

/** How long a snapshot's query takes. */
export const QUERY_MS = 50;

/** The rows of a snapshot, without marks. */
export const rows = Array.from({ length: 100 }, (_, i) => `{"row":${i},"text":"${'x'.repeat(80)}"}`);

/** Serves them to a hub, as lines of JSON. */
export async function serveRows(port) {
  const body = rows.map((data) => `${JSON.stringify({ data })}\n`).join('');
  const server = http.createServer((_, res) => {
    setTimeout(() => res.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(body), QUERY_MS);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}

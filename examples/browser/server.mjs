// PORT=3000 node examples/browser/server.mjs, then open http://localhost:3000 in two windows.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer({ channelProvider: { resolveChannels: () => ['all'] }, replayAllOnConnect: true });
const page = new URL('index.html', import.meta.url);
const library = new URL('..', import.meta.resolve('tinysse/client'));

const server = createServer(async (req, res) => {
  const { pathname } = new URL(req.url, 'http://localhost');
  if (pathname === '/events') return sse.handler(req, res);
  if (pathname === '/say') {
    await sse.publish(await text(req), 'all');
    return res.writeHead(204).end();
  }
  // A bundler would do this: give the page the library's own modules.
  const script = /^\/tinysse\/([\w/-]+\.js)$/.exec(pathname)?.[1];
  const body = await readFile(script ? new URL(script, library) : page).catch(() => undefined);
  if (!body) return res.writeHead(404).end();
  res.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' }).end(body);
}).listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}`);
});

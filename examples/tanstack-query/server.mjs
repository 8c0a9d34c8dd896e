// PORT=3000 node examples/tanstack-query/server.mjs, then open http://localhost:3000
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer({ channelProvider: { resolveChannels: () => ['all'] } });
const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('page.mjs', import.meta.url))],
  bundle: true,
  write: false,
  format: 'esm',
});
const page = `<!doctype html>
<meta charset="utf-8">
<title>tinysse in TanStack Query</title>
<p><output></output></p>
<ul></ul>
<script type="module">${outputFiles[0].text}</script>
`;

const server = createServer((req, res) => {
  if (req.url === '/events') return sse.handler(req, res);
  res.setHeader('content-type', 'text/html').end(page);
}).listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}`);
});

let count = 0;
setInterval(() => sse.publish(`message ${++count}`, 'all'), 100);

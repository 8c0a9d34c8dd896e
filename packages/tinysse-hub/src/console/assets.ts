import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { READ, type Route } from '../http/route.js';

const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** The page's own files. Those that are not compiled are shipped with the sources. */
const page = new URL('../../src/console/index.html', import.meta.url);
const files: readonly (readonly [path: string, type: string, file: URL])[] = [
  ['/console/style.css', 'text/css; charset=utf-8', new URL('../../src/console/style.css', import.meta.url)],
  ['/console/icon.svg', 'image/svg+xml', new URL('../../src/console/icon.svg', import.meta.url)],
  ['/console/page.js', JAVASCRIPT, new URL('./page.js', import.meta.url)],
  ['/console/list.js', JAVASCRIPT, new URL('./list.js', import.meta.url)],
];

/**
 * The page at `/` and what it loads. The library's client is served as it is installed: it is a browser's module already,
 * and an import map gives the page its name.
 */
export function consoleRoutes(): [path: string, route: Route][] {
  const html = readFileSync(page, 'utf8');
  return [
    ['/', asset('text/html; charset=utf-8', () => html, pageHeaders(html))],
    ...files.map(([path, type, file]): [string, Route] => [path, asset(type, () => readFileSync(file, 'utf8'))]),
    ...libraryRoutes(),
  ];
}

/** Lists the library's files instead of mapping paths to them, so that no request can name any other file. */
function libraryRoutes(): [path: string, route: Route][] {
  const root = new URL('../', import.meta.resolve('tinysse/client'));
  return readdirSync(root, { recursive: true })
    .map((name) => String(name).replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => [`/console/tinysse/${name}`, asset(JAVASCRIPT, () => readFileSync(new URL(name, root), 'utf8'))]);
}

function asset(type: string, read: () => string, headers: Record<string, string> = {}): Route {
  let body: Buffer | undefined;
  return {
    methods: READ,
    handle(_, res) {
      body ??= Buffer.from(read());
      res.writeHead(200, {
        'content-type': type,
        'content-length': body.length,
        // Another version of the program may be here at the next visit.
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        ...headers,
      });
      res.end(body);
    },
  };
}

/** The page may load what comes from here and nothing else; of scripts inside it, the import map. */
function pageHeaders(html: string): Record<string, string> {
  const map = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
  const hash = createHash('sha256').update(map).digest('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return { 'content-security-policy': policy.join('; '), 'referrer-policy': 'no-referrer' };
}

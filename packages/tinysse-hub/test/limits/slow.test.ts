import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../../../tinysse/test/programs.js';
import { certificate } from '../certificate.js';
import { ask, post, Raw, subscribe } from '../http.js';
import { startHub } from '../program.js';

const TIMEOUT = ['--request-timeout', '200ms'];
const timeouts = async (url: string): Promise<string | undefined> =>
  /tinysse_http_refusals_total\{code="REQUEST_TIMEOUT"\} (\d+)/.exec((await ask(`${url}/metrics`)).text)?.[1];

describe('a request that does not arrive in time', () => {
  test.each([
    ['nothing at all', ''],
    ['half a request line', 'POST /publi'],
    ['half of the headers', 'POST /publish?channel=a HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Sl'],
    ['half of the body', 'POST /publish?channel=a HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 10\r\n\r\nhalf'],
    [
      'half of a body in chunks',
      'POST /publish?channel=a HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    ],
  ])('is answered 408, cut off, counted and logged: %s', async (_, text) => {
    const { url, port, program } = await startHub(TIMEOUT);
    const raw = new Raw(port, text.replace('PORT', String(port)));
    await raw.closed;
    expect(raw.received).toMatch(
      /^HTTP\/1\.1 408 Request Timeout\r\n[^]*connection: close[^]*"code":"REQUEST_TIMEOUT"/,
    );
    expect(await timeouts(url)).toBe('1');
    await program.until(({ stderr }) => stderr.includes('"code":"REQUEST_TIMEOUT"'));
    expect(program.stderr).toMatch(/"address":"127\.0\.0\.1","code":"REQUEST_TIMEOUT"/);
    expect((await ask(`${url}/metrics`)).text).toContain('\ntinysse_events_published_total 0\n');
  });

  test('is no stream: those last', async () => {
    const { url, port } = await startHub([...TIMEOUT, '--heartbeat', '150ms']);
    const stream = await subscribe(port, 'channel=a');
    // The next requests on connections that are kept are timed anew, too.
    const slow = new Raw(port, 'GET /');
    await slow.closed;
    while (stream.received.split('tinysse:position').length < 5) await once(stream.socket, 'data');
    await post(`${url}/publish?channel=a`, 'still here');
    await stream.until('data: still here');
  });
});

describeWith(['openssl'], 'over TLS', () => {
  test('what does not arrive in time is cut off: a handshake, a head, and a body over HTTP/2', async () => {
    const { cert, key } = certificate();
    const { port, url, program } = await startHub(['--tls-cert', cert, '--tls-key', key, ...TIMEOUT]);
    await new Raw(port, '').closed;

    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    onTestFinished(() => void socket.destroy());
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    socket.write('GET /heal');
    await once(socket, 'close');
    expect(received).toMatch(/^HTTP\/1\.1 408 /);

    const session = connectHttp2(url, { rejectUnauthorized: false });
    onTestFinished(() => session.destroy());
    const slow = session.request({ ':method': 'POST', ':path': '/publish?channel=a' });
    slow.on('error', () => {});
    slow.write('half');
    const [headers] = (await once(slow, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(408);
    await program.until(({ stderr }) => stderr.split('"code":"REQUEST_TIMEOUT"').length > 2);
    // The session goes on.
    const quick = session.request({ ':path': '/healthz' });
    const [answer] = (await once(quick, 'response')) as [{ ':status': number }];
    expect(answer[':status']).toBe(200);
  });
});

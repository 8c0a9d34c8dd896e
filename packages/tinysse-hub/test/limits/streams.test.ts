import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../../../tinysse/test/programs.js';
import { certificate } from '../certificate.js';
import { ask, errorOf, Raw } from '../http.js';
import { startHub } from '../program.js';

/** A key set whose server is away. */
const AWAY = ['--jwks-url', 'http://127.0.0.1:1/keys'];
const TOKEN = [{ alg: 'RS256', kid: 'k' }, {}, {}]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');

test('an EventSource that comes while the keys are away is told to come back; whoever else comes gets 503', async () => {
  const { url, port } = await startHub(AWAY);
  const path = `/events?channel=a&access_token=${TOKEN}`;
  const answer = await ask(url + path);
  expect([answer.status, errorOf(answer).code, answer.headers['retry-after']]).toEqual([503, 'KEYS_UNAVAILABLE', '5']);
  const stream = new Raw(port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`);
  await stream.until('retry: ');
  expect(stream.received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect((await ask(`${url}/metrics`)).text).toContain('tinysse_connects_total{outcome="KEYS_UNAVAILABLE"} 2\n');
});

describeWith(['openssl'], 'over HTTP/2', () => {
  test('the streams of one connection count each, and give their places back', async () => {
    const { cert, key } = certificate();
    const { url } = await startHub(['--tls-cert', cert, '--tls-key', key, '--max-connections-per-address', '2']);
    const session = connectHttp2(url, { rejectUnauthorized: false });
    onTestFinished(() => session.destroy());
    const open = async (): Promise<[status: number, end: () => void]> => {
      const stream = session.request({ ':path': '/events?channel=a' });
      stream.resume();
      const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
      return [headers[':status'], () => stream.close()];
    };
    const [[first, end], [second], [third]] = [await open(), await open(), await open()];
    expect([first, second, third]).toEqual([200, 200, 429]);
    end();
    while ((await open())[0] !== 200);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, errorOf, post, Raw, subscribe } from './http.js';
import { type Hub, openHub } from './program.js';

let hub: Hub;
beforeAll(async () => {
  hub = await openHub();
});
afterAll(() => hub?.program.end());

const at = (path: string): string => hub.url + path;

describe('publishing', () => {
  test('answers with the id under which subscribers get it', async () => {
    const stream = await subscribe(hub.port, 'channel=first');
    const answer = await post(at('/publish?channel=first'), 'hello');
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    const { id } = JSON.parse(answer.text) as { id: string };
    await stream.until(`id: ${id}\ndata: hello\n\n`);
  });

  test('takes names in percent-encoded UTF-8 or with + for a space, and bodies of several lines', async () => {
    const stream = await subscribe(hub.port, 'channel=caf%C3%A9+1&channel=b');
    await post(at('/publish?channel=caf%C3%A9%201&event=n%C3%A9w'), 'one\ntwo é');
    await stream.until('event: néw\ndata: one\ndata: two é\n\n');
  });

  test('to several channels is one event', async () => {
    const stream = await subscribe(hub.port, 'channel=x&channel=y');
    await post(at('/publish?channel=x&channel=y'), 'once');
    await post(at('/publish?channel=y'), 'then');
    await stream.until('then');
    expect(stream.received.match(/once/g)).toHaveLength(1);
  });

  test('with a key is idempotent; the key is refused for another event', async () => {
    const first = await post(at('/publish?channel=k&key=1'), 'a');
    expect((await post(at('/publish?channel=k&key=1'), 'a')).text).toBe(first.text);
    const other = await post(at('/publish?channel=k&key=1'), 'b');
    expect([other.status, errorOf(other).code]).toEqual([409, 'KEY_REUSED']);
  });

  test.each([
    ['/publish', 400, 'NO_CHANNEL', '"channel" is missing'],
    ['/publish?channel=', 400, 'INVALID_CHANNEL', 'must not be empty'],
    ['/publish?channel=a&chanel=b', 400, 'INVALID_PARAMETER', 'unknown parameter "chanel"'],
    ['/publish?channel=a&event=x&event=y', 400, 'INVALID_PARAMETER', '"event" is given twice'],
    ['/publish?channel=a&event=x%0Ay', 400, 'INVALID_EVENT', 'control characters'],
    ['/publish?channel=a&event=tinysse:reset', 400, 'RESERVED_EVENT', 'reserved'],
    ['/publish?channel=a&key=', 400, 'INVALID_KEY', 'must not be empty'],
    ['/publish?channel=%ff', 400, 'INVALID_PARAMETER', '%ff'],
    [`/publish?channel=${'a'.repeat(256)}`, 400, 'INVALID_CHANNEL', '255'],
  ])('%s is refused, and nothing is published', async (path, status, code, message) => {
    const head = await post(at('/publish?channel=probe'), 'before');
    const answer = await post(at(path), 'x');
    expect([answer.status, errorOf(answer).code]).toEqual([status, code]);
    expect(errorOf(answer).message).toContain(message);
    const next = await post(at('/publish?channel=probe'), 'after');
    expect(offsetOf(next.text)).toBe(offsetOf(head.text) + 1);
  });
});

describe('subscribing', () => {
  test('goes on after Last-Event-ID, by header or query', async () => {
    const { id } = JSON.parse((await post(at('/publish?channel=r'), 'one')).text) as { id: string };
    await post(at('/publish?channel=r'), 'two');
    for (const stream of [
      await subscribe(hub.port, `channel=r&lastEventId=${id}`),
      await subscribe(hub.port, 'channel=r', `Last-Event-ID: ${id}\r\n`),
    ]) {
      await stream.until('data: two\n\n');
      expect(stream.received).not.toContain('data: one');
    }
  });

  test.each([
    ['/events', 'NO_CHANNEL', '"channel" is missing'],
    ['/events?channel=', 'INVALID_CHANNEL', 'must not be empty'],
    ['/events?channel=a&event=b', 'INVALID_PARAMETER', 'unknown parameter "event"'],
    [`/events?${Array.from({ length: 129 }, (_, i) => `channel=${i}`).join('&')}`, 'TOO_MANY_CHANNELS', '128'],
  ])('%.40s is refused', async (path, code, message) => {
    const answer = await ask(at(path), { headers: { accept: 'text/event-stream' } });
    expect([answer.status, errorOf(answer).code]).toEqual([400, code]);
    expect(errorOf(answer).message).toContain(message);
  });
});

describe('other requests', () => {
  test('/healthz says that the hub is up', async () => {
    const answer = await ask(at('/healthz'));
    expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([
      200,
      '{"status":"ok"}',
      'application/json',
    ]);
    expect((await ask(at('/healthz'), { method: 'HEAD' })).text).toBe('');
  });

  test.each([
    '/nope',
    '/events/',
    '/console/../package.json',
    '/console/tinysse/../../package.json',
    '/console/page.ts',
  ])('%s is not found', async (path) => {
    const answer = await ask(at('/'), { path });
    expect([answer.status, errorOf(answer).code]).toEqual([404, 'NOT_FOUND']);
  });

  test.each([
    ['GET', '/publish?channel=a', 'POST'],
    ['POST', '/events?channel=a', 'GET, HEAD'],
    ['OPTIONS', '/publish', 'POST'],
    ['DELETE', '/', 'GET, HEAD'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const answer = await ask(at(path), { method });
    expect([answer.status, answer.headers.allow, errorOf(answer).code]).toEqual([405, allow, 'METHOD_NOT_ALLOWED']);
  });

  test.each([
    ['GARBAGE\r\n\r\n', '400', 'BAD_REQUEST'],
    [`GET /${'a'.repeat(200_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, '431', 'HEADER_TOO_LARGE'],
  ])('what is no request is answered and cut off: %.20s', async (text, status, code) => {
    const raw = new Raw(hub.port, text);
    await raw.closed;
    expect(raw.received).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"code":"${code}"`));
  });

  const asked = async (text: string): Promise<string> => {
    const raw = new Raw(hub.port, text.replaceAll('PORT', String(hub.port)));
    await raw.until('\r\n\r\n');
    return raw.received;
  };

  test('a target may be a whole URL, whose host counts instead of Host', async () => {
    const stream = 'GET http://127.0.0.1:PORT/events?channel=a HTTP/1.1\r\nHost: evil.example\r\n\r\n';
    expect(await asked(stream)).toContain('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream');
    expect(await asked('GET HTTP://localhost:PORT HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(
      ' 200 OK',
    );
    expect(await asked('GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n')).toContain(' 421 ');
    expect(await asked('GET http://u:p@127.0.0.1:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n')).toContain(' 400 ');
  });

  test('several Hosts are refused, equal ones too', async () => {
    const host = 'Host: 127.0.0.1:PORT\r\n';
    for (const hosts of [host + host, `${host}host: evil.example\r\n`])
      expect(await asked(`GET /events?channel=a HTTP/1.1\r\n${hosts}\r\n`)).toMatch(/^HTTP\/1.1 400 /);
  });

  test('what changes something is not taken from early data, which may be a repetition; a stream is', async () => {
    const headers = { 'early-data': '1' };
    const answer = await post(at('/publish?channel=a'), 'x', headers);
    expect([answer.status, errorOf(answer).code]).toEqual([425, 'TOO_EARLY']);
    expect((await ask(at('/disconnect?channel=a'), { method: 'POST', headers })).status).toBe(425);
    for (const values of [['1', '1'], ['0'], [' '], ['?1']])
      expect((await post(at('/publish?channel=a'), 'x', { 'early-data': values })).status, `${values}`).toBe(425);
    expect((await ask(at('/events?channel=a'), { method: 'HEAD', headers })).status).toBe(200);
  });

  test.each([
    ['/.well-known/mercure?topic=a', 'from-mercure.md'],
    ['/api/publish', 'from-centrifugo.md'],
    ['/connection/uni_sse', 'from-centrifugo.md'],
  ])('%s, which another hub has, is not found, with a hint where to go', async (path, hint) => {
    const answer = await ask(at(path));
    expect([answer.status, errorOf(answer).code]).toEqual([404, 'NOT_FOUND']);
    expect(errorOf(answer).message).toContain(hint);
    expect(errorOf(answer).message).toContain('GET /events?channel=NAME');
  });

  test('garbage behind a request does not get into its stream', async () => {
    const stream = await subscribe(hub.port, 'channel=a');
    stream.socket.write('GARBAGE\r\n\r\n');
    await stream.closed;
    expect(stream.received.match(/HTTP\/1.1/g)).toHaveLength(1);
  });
});

const offsetOf = (answer: string): number => Number(/-(\d+)"/.exec(answer)?.[1]);

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { post } from './http.js';
import { type Hub, openHub, type Program, run, start } from './program.js';

let hub: Hub;
beforeAll(async () => {
  hub = await openHub();
});
afterAll(() => hub?.program.end());

const publish = (query: string, text: string) => post(`${hub.url}/publish?${query}`, text);

/** A tail that is connected. */
async function tail(...args: string[]): Promise<Program> {
  const program = start(['tail', ...args], { TINYSSE_URL: hub.url });
  await program.until(({ stderr }) => stderr.includes('connected to'));
  return program;
}

describe('tail', () => {
  test('prints data on stdout and what becomes of the connection on stderr', async () => {
    const program = await tail('a', 'b c');
    await publish('channel=a', 'one');
    await publish('channel=b%20c&event=x', 'two\nlines');
    await program.until(({ stdout }) => stdout === 'one\ntwo\nlines\n');
    expect(program.stderr).toBe(`tinysse-hub: connected to ${hub.url}/events?channel=a&channel=b+c\n`);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it with exit code 0', async (signal) => {
    const program = await tail('a');
    expect(await program.end(signal)).toBe(0);
  });

  test('--json prints a message per line, --event those of one name', async () => {
    const program = await tail('j', '--json', '--event', 'x');
    await publish('channel=j', 'other');
    const { id } = JSON.parse((await publish('channel=j&event=x', 'two\n"lines"')).text) as { id: string };
    await program.until(({ stdout }) => stdout.endsWith('\n'));
    expect(JSON.parse(program.stdout)).toEqual({ id, event: 'x', data: 'two\n"lines"' });
  });

  test('--last-event-id earliest begins with what the hub has kept', async () => {
    await publish('channel=kept', 'before');
    const program = await tail('kept', '--last-event-id', 'earliest');
    await program.until(({ stdout }) => stdout === 'before\n');
  });

  test('ends quietly when its reader has seen enough', async () => {
    const program = await tail('head');
    program.child.stdout.destroy();
    // The first write may still go into the pipe's buffer.
    let over = false;
    void program.ended.then(() => (over = true));
    while (!over) await publish('channel=head', 'x');
    expect(await program.ended).toBe(0);
    expect(program.stderr).not.toContain('EPIPE');
  });

  test('prints all of what comes faster than its reader reads', async () => {
    const program = await tail('fast');
    program.child.stdout.pause();
    const rows = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(100_000, '.'));
    for (const row of rows) await publish('channel=fast', row);
    program.child.stdout.resume();
    await program.until(({ stdout }) => stdout.length >= rows.length * 100_001);
    expect(program.stdout).toBe(`${rows.join('\n')}\n`);
  });

  test('follows any event stream by its URL', async () => {
    const other = createServer((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: from elsewhere\n\n');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      other.close();
      other.closeAllConnections();
    });
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const program = start(['tail', `http://127.0.0.1:${port}/any?x=1`]);
    await program.until(({ stdout }) => stdout === 'from elsewhere\n');
  });

  test('says why it was refused, and ends', async () => {
    const refused = await run(['tail', ''], { env: { TINYSSE_URL: hub.url } });
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: .*400: channel "" must not be empty\n$/),
    });
    const lost = await run(['tail', `${hub.url}/nope`]);
    expect(lost).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: .*404: there is nothing at \/nope\n$/),
    });
  });

  test('waits for a hub that is not there yet, and says so once', async () => {
    const first = await openHub();
    await first.program.end();
    const program = start(['tail', 'late'], { TINYSSE_URL: first.url });
    await program.until(({ stderr }) => stderr.includes('connection refused); reconnecting'));
    const again = await openHub(['--port', String(first.port)]);
    onTestFinished(async () => void (await again.program.end()));
    await program.until(({ stderr }) => stderr.includes('connected to'));
    expect(program.stderr.match(/reconnecting/g)).toHaveLength(1);
  });
});

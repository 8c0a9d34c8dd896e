import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { ask, post, subscribe } from './http.js';
import { openHub, startHub } from './program.js';

/** What is promised to dashboards and alerts: names, and their labels. */
const PROMISED: Record<string, string> = {
  tinysse_subscribers: 'gauge state',
  tinysse_channels: 'gauge',
  tinysse_log_events: 'gauge',
  tinysse_log_bytes: 'gauge',
  tinysse_log_head_offset: 'gauge',
  tinysse_log_up: 'gauge',
  tinysse_publishes_pending: 'gauge',
  tinysse_draining: 'gauge',
  tinysse_build_info: 'gauge version',
  tinysse_connects_total: 'counter outcome',
  tinysse_disconnects_total: 'counter reason',
  tinysse_resumes_total: 'counter result',
  tinysse_resets_total: 'counter reason',
  tinysse_events_published_total: 'counter',
  tinysse_publish_errors_total: 'counter code',
  tinysse_events_delivered_total: 'counter',
  tinysse_delivered_bytes_total: 'counter',
  tinysse_log_evicted_events_total: 'counter cause',
  tinysse_snapshots_total: 'counter result',
  tinysse_snapshot_errors_total: 'counter code',
  tinysse_snapshots_current: 'gauge state',
  tinysse_snapshot_duration_seconds: 'histogram',
  tinysse_http_refusals_total: 'counter code',
  tinysse_publish_duration_seconds: 'histogram',
  tinysse_delivery_delay_seconds: 'histogram',
  tinysse_flush_events: 'histogram',
};

/** The samples of a scrape: `name{labels}` to value. */
const samplesOf = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );

/** Opens a stream that lasts until the signal, and reads it as far as `last`. */
async function readUntil(url: string, last: string, signal: AbortSignal): Promise<void> {
  const { body } = await fetch(url, { signal });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = ''; !read.includes(last); ) read += (await reader?.read())?.value ?? '';
  // What else comes stays unread; the stream is cut off at the end.
  reader?.closed.catch(() => {});
}

let text = '';
let samples = new Map<string, number>();

beforeAll(async () => {
  const { program, url, port } = await openHub(['--retain-events', '2']);
  try {
    const ids: string[] = [];
    for (const data of ['1', '2', '3', '4'])
      ids.push((JSON.parse((await post(`${url}/publish?channel=a`, data)).text) as { id: string }).id);
    const stay = new AbortController();
    await readUntil(`${url}/events?channel=a&lastEventId=${ids[2]}`, 'data: 4', stay.signal);
    await readUntil(`${url}/events?channel=a&lastEventId=${ids[0]}`, 'data: 4', stay.signal);
    const leave = new AbortController();
    await readUntil(`${url}/events?channel=b`, 'tinysse:position', leave.signal);
    leave.abort();
    await program.until(({ stderr }) => stderr.includes('disconnected'));
    await ask(`${url}/events?channel=`);
    await ask(`${url}/events`);
    await post(`${url}/publish?channel=a&event=tinysse:x`, 'x');
    await post(`${url}/publish`, 'x');
    await ask(`${url}/nope`);
    await once(connect(port, '127.0.0.1').end('what?\r\n\r\n').resume(), 'close');
    const answer = await ask(`${url}/metrics`);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    text = answer.text;
    samples = samplesOf(text);
    stay.abort();
  } finally {
    await program.end();
  }
});

test('a scrape has the promised metrics, their types and labels, and no others of this name', () => {
  const found: Record<string, string> = {};
  for (const [, name = '', type] of text.matchAll(/^# TYPE (tinysse_\w+) (\w+)$/gm)) {
    const labels = new Set<string>();
    for (const sample of samples.keys())
      if (sample.startsWith(`${name}{`)) for (const [, label = ''] of sample.matchAll(/[{,](\w+)=/g)) labels.add(label);
    found[name] = [type, ...labels].join(' ');
  }
  expect(found).toEqual(PROMISED);
});

test('a scrape counts what has happened', () => {
  expect(Object.fromEntries(samples)).toMatchObject({
    'tinysse_subscribers{state="live"}': 2,
    'tinysse_subscribers{state="behind"}': 0,
    tinysse_channels: 1,
    tinysse_log_events: 2,
    tinysse_log_head_offset: 4,
    tinysse_log_up: 1,
    tinysse_publishes_pending: 0,
    tinysse_draining: 0,
    'tinysse_connects_total{outcome="accepted"}': 3,
    'tinysse_connects_total{outcome="INVALID_CHANNEL"}': 1,
    'tinysse_connects_total{outcome="NO_CHANNEL"}': 1,
    'tinysse_disconnects_total{reason="gone"}': 1,
    'tinysse_disconnects_total{reason="stalled"}': 0,
    'tinysse_resumes_total{result="complete"}': 1,
    'tinysse_resumes_total{result="reset"}': 1,
    'tinysse_resets_total{reason="evicted"}': 1,
    tinysse_events_published_total: 4,
    'tinysse_publish_errors_total{code="RESERVED_EVENT"}': 1,
    'tinysse_publish_errors_total{code="NO_CHANNEL"}': 1,
    tinysse_events_delivered_total: 3,
    'tinysse_log_evicted_events_total{cause="count"}': 2,
    'tinysse_http_refusals_total{code="INVALID_CHANNEL"}': 1,
    'tinysse_http_refusals_total{code="RESERVED_EVENT"}': 1,
    'tinysse_http_refusals_total{code="NO_CHANNEL"}': 2,
    'tinysse_http_refusals_total{code="NOT_FOUND"}': 1,
    'tinysse_http_refusals_total{code="BAD_REQUEST"}': 1,
    tinysse_publish_duration_seconds_count: 4,
    tinysse_delivery_delay_seconds_count: 4,
    tinysse_flush_events_sum: 4,
  });
  expect(samples.get('tinysse_delivered_bytes_total')).toBeGreaterThan(60);
});

test('the help text and the samples of a second scrape count on, not anew', async () => {
  const { url, port } = await startHub();
  await subscribe(port, 'channel=a');
  for (const times of [1, 2]) {
    await post(`${url}/publish?channel=a`, 'x');
    const read = async () => (await ask(`${url}/metrics`)).text;
    await expect.poll(read, { timeout: 5_000 }).toContain(`\ntinysse_events_published_total ${times}\n`);
  }
});

describe('the dashboard for Grafana', () => {
  const dashboard = JSON.parse(readFileSync(new URL('../../../docs/grafana.json', import.meta.url), 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

  test('has a panel for each promised metric', () => {
    const all = queries.map(([, expr]) => expr).join('\n');
    for (const name of Object.keys(PROMISED)) expect(all).toContain(name);
  });

  test.each(queries)('%s: %s asks for what a scrape has', (_, expr) => {
    const names = expr.match(/\b(?:tinysse|process|nodejs)_\w+/g) ?? [];
    expect(names).not.toEqual([]);
    const known = [...samples.keys()].map((sample) => sample.split('{', 1)[0]);
    for (const name of names) expect(known).toContain(name);
    // Labels that it selects or groups by.
    const labels = [...expr.matchAll(/\{(\w+)=|by \((\w+)/g)].map(([, one, other]) => one ?? other);
    for (const label of labels)
      expect(
        [...samples.keys()].some((sample) => sample.startsWith(names[0] as string) && sample.includes(`${label}=`)),
      ).toBe(true);
  });
});

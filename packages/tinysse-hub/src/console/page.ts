import { createSSEClient, type SSEClientState } from 'tinysse/client';
import { createEventList } from './list.js';

// Runs in the browser, on the page at `/`.

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const field = (form: HTMLFormElement, name: string): HTMLInputElement =>
  form.elements.namedItem(name) as HTMLInputElement;

const query = new URLSearchParams(location.search);
const named = query.getAll('channel').filter((name) => name !== '');
const channels = named.length > 0 ? named : ['demo'];
const lastEventId = query.get('lastEventId');

/** Where the hub is: below this page, which a proxy may show under a prefix. */
const at = (route: string): string => new URL(route, document.baseURI).href;

const list = createEventList(byId('events'), byId('count'), byId('empty'));
subscribe();
setUpSubscribeForm(byId('subscribe'));
setUpPublishForm(byId('publish'), byId('answer'));
byId('clear').addEventListener('click', () => list.clear());
byId('example').textContent = `curl -d 'hello' '${at(`publish?${channelQuery(channels.slice(0, 1))}`)}'`;
document.title = `${channels.join(', ')} · tinysse-hub`;

function subscribe(): void {
  const state = byId('state');
  const words: Record<SSEClientState, string> = {
    connecting: 'connecting',
    open: `subscribed to ${channels.join(', ')}`,
    waiting: 'connection lost; trying again',
    closed: 'closed',
  };
  const say = (now: SSEClientState, words: string): void => {
    state.dataset.state = now;
    state.textContent = words;
  };
  const client = createSSEClient({
    endpoint: at(`events?${channelQuery(channels)}`),
    maxRetryDelay: 5_000,
    ...(lastEventId && { lastEventId }),
  });
  client.onMessage((message) => list.message(message));
  client.onReset((reset) => list.reset(reset));
  client.onStateChange((now) => say(now, words[now]));
  client.onError((error) => {
    if (!error.willRetry) say('closed', `closed: ${error.message}`);
  });
  client.connect();
}

function setUpSubscribeForm(form: HTMLFormElement): void {
  field(form, 'channel').value = channels.join(' ');
  field(form, 'lastEventId').checked = lastEventId === 'earliest';
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const wanted = channelQuery(
      field(form, 'channel')
        .value.split(/\s+/)
        .filter((name) => name !== ''),
    );
    if (field(form, 'lastEventId').checked) wanted.append('lastEventId', 'earliest');
    location.search = String(wanted);
  });
}

function setUpPublishForm(form: HTMLFormElement, answer: HTMLOutputElement): void {
  const data = field(form, 'data');
  field(form, 'channel').value = channels[0] ?? '';
  data.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const target = channelQuery([field(form, 'channel').value]);
    const name = field(form, 'event').value;
    if (name !== '') target.append('event', name);
    const problem = await publish(target, data.value);
    answer.classList.toggle('bad', problem !== undefined);
    answer.textContent = problem ?? 'published';
    // What is typed next takes its place.
    if (document.activeElement === data) data.select();
  });
}

/** @returns what went wrong, if anything did */
async function publish(target: URLSearchParams, body: string): Promise<string | undefined> {
  try {
    const response = await fetch(at(`publish?${target}`), { method: 'POST', body });
    if (response.ok) return undefined;
    const { error } = (await response.json()) as { error: { message: string } };
    return error.message;
  } catch {
    return 'the hub cannot be reached; nothing is known of the event';
  }
}

function channelQuery(names: readonly string[]): URLSearchParams {
  return new URLSearchParams(names.map((name) => ['channel', name]));
}

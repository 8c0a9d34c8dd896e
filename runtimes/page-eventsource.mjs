// Browsers: our EventSource beside their own, and across origins. ABROAD is another origin, of browsers.test.ts.
import { EventSource } from 'tinysse/eventsource';

const lines = decodeURIComponent(location.hash.slice(1));
const post = (body) => fetch(lines, { method: 'POST', mode: 'no-cors', body });
const CURSOR = '0123456789abcdef-7';

/** What the server has seen of the request for the second stream. */
const second = (url) =>
  new Promise((resolve, reject) => {
    let n = 0;
    const source = new EventSource(url);
    setTimeout(() => reject(new Error(`${n} events in 15 s`)), 15_000);
    source.onmessage = ({ data }) => {
      if (++n < 2) return;
      source.close();
      resolve(data);
    };
  });

async function same(actual, expected) {
  const [is, should] = [await actual, JSON.stringify(expected)];
  if (is !== should) throw new Error(`is ${is}, not ${should}`);
}

/** The class and what it makes, as scripts see it. */
function shape(Class) {
  const properties = (object) =>
    Object.fromEntries(
      Reflect.ownKeys(object)
        .filter((key) => !(object === Class && ['length', 'name', 'prototype'].includes(key)))
        .map((key) => {
          const { value, get, set, ...flags } = Object.getOwnPropertyDescriptor(object, key);
          return [
            String(key),
            { ...flags, value: typeof value === 'number' ? value : typeof value, get: !!get, set: !!set },
          ];
        })
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  const thrown = (run) => {
    try {
      run();
    } catch (error) {
      return error.name;
    }
  };
  const made = [undefined, null, {}].map((init) => {
    const source = new Class(undefined, init);
    source.close();
    return [source.url, source.withCredentials, source.readyState, source.onopen, String(source)];
  });
  return JSON.stringify({
    statics: properties(Class),
    members: properties(Class.prototype),
    length: Class.length,
    name: Class.name,
    made,
    errors: [() => new Class(), () => Class('/'), () => new Class('http://['), () => Class.prototype.url].map(thrown),
  });
}

const cases = {
  "its shape is that of the browser's own": () => same(shape(EventSource), JSON.parse(shape(globalThis.EventSource))),
  'a cursor goes without a preflight': () =>
    same(second(`${ABROAD}/refuses/cursor?id=${CURSOR}`), { header: null, query: CURSOR, preflights: 0 }),
  'another id goes as a header where that is allowed': () =>
    same(second(`${ABROAD}/allows/other?id=a-7`), { header: 'a-7', query: null, preflights: 1 }),
  'another id goes in the query where no header is allowed': () =>
    same(second(`${ABROAD}/refuses/other?id=a-7`), { header: null, query: 'a-7', preflights: 1 }),
  'a redirect to where no header is allowed is followed again': async () => {
    const answer = { status: 302, headers: { location: `${ABROAD}/refuses/redirected?id=a-7` } };
    const posted = await fetch('/cases', { method: 'POST', body: JSON.stringify([answer, answer, answer]) });
    const { id } = await posted.json();
    await same(second(`/cases/${id}`), { header: null, query: null, preflights: 1 });
  },
};

for (const [name, run] of Object.entries(cases))
  await run().then(
    () => post(JSON.stringify({ suite: 'page', name })),
    (error) => post(JSON.stringify({ suite: 'page', name, error: String(error) })),
  );
post('end');

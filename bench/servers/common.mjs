// What the servers of this folder and the peers share: arguments, requests, answers.

/** Servers end by themselves, whatever becomes of who started them. */
setTimeout(() => process.exit(0), 240_000).unref();

/** Enough for every client to connect at once. */
const BACKLOG = 4096;

export const listenOptions = { port: Number(process.argv[2]), host: '127.0.0.1', backlog: BACKLOG };

/** The channels that a request names. */
export function channelsOf(url) {
  const names = [];
  for (const pair of url.slice(url.indexOf('?') + 1).split('&')) names.push(pair.slice(pair.indexOf('=') + 1));
  return names;
}

export function readBody(req, done) {
  let body = '';
  req.setEncoding('utf8');
  req.on('data', (text) => (body += text));
  req.on('end', () => done(body));
}

export const answerId = (res, id) => res.end(`{"id":"${id}"}`);

/** Who is subscribed to what; a subscriber of several of an event's channels is named once. */
export class Subscribers {
  #channels = new Map();

  /** @returns takes the subscriber away */
  join(channels, subscriber) {
    for (const name of channels) {
      let members = this.#channels.get(name);
      if (!members) this.#channels.set(name, (members = new Set()));
      members.add(subscriber);
    }
    return () => {
      for (const name of channels) this.#channels.get(name)?.delete(subscriber);
    };
  }

  /** @returns {Iterable<any>} */
  of(channels) {
    if (channels.length === 1) return this.#channels.get(channels[0]) ?? [];
    return new Set(channels.flatMap((name) => [...(this.#channels.get(name) ?? [])]));
  }
}

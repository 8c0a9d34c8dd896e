import { isIP } from 'node:net';

/**
 * Reads a value that a person wrote.
 * @throws Error whose message goes on after the flag and the value, as in `--port 99999: must be …`
 */
export type Parse<T> = (text: string) => T;

export const text: Parse<string> = (given) => given;

/** Whether a text may stand behind `Bearer`. Source: RFC 6750, section 2.1. */
export const isToken = (text: string): boolean => /^[\w.~+/-]+=*$/.test(text);

export const bearerToken: Parse<string> = (given) => {
  if (isToken(given)) return given;
  throw new Error('must be a token as `tinysse-hub token` prints it');
};

export const directory: Parse<string> = (given) => {
  if (given !== '') return given;
  throw new Error('must be the name of a directory');
};

export const port: Parse<number> = (given) => {
  const value = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (value <= 65_535) return value;
  throw new Error('must be a whole number from 0 to 65535; 0 takes any free port');
};

export const count: Parse<number> = (given) => {
  const value = /^\d+$/.test(given) ? Number(given) : 0;
  if (value > 0 && Number.isSafeInteger(value)) return value;
  throw new Error('must be a whole number of at least 1');
};

const TIME_UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @returns milliseconds */
export const duration: Parse<number> = (given) => {
  const value = scaled(given, TIME_UNITS);
  if (value !== undefined) return value;
  throw new Error('must be a number with a unit (ms, s, m, h or d), as in 15s or 24h');
};

const BYTE_UNITS: Record<string, number> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

export const bytes: Parse<number> = (given) => {
  const value = scaled(given, BYTE_UNITS);
  if (value !== undefined) return value;
  throw new Error('must be a number with a unit (B, KiB, MiB, GiB, kB, MB or GB), as in 64MiB');
};

/** A number with a unit, as a whole number of at least 1. */
function scaled(given: string, units: Record<string, number>): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(given) ?? [];
  if (unit === undefined || !Object.hasOwn(units, unit)) return undefined;
  const value = Math.round(Number(digits) * units[unit]!);
  return value >= 1 && Number.isSafeInteger(value) ? value : undefined;
}

/** A size or time within a bound, which is written as it is. */
export const upTo =
  (most: string, parse: Parse<number>): Parse<number> =>
  (given) => {
    const value = parse(given);
    if (value <= parse(most)) return value;
    throw new Error(`must be at most ${most}`);
  };

export const oneOf =
  <T extends string>(...choices: readonly T[]): Parse<T> =>
  (given) => {
    const choice = choices.find((one) => one === given);
    if (choice !== undefined) return choice;
    throw new Error(`must be one of ${choices.join(', ')}`);
  };

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

/** A host name or address, an IPv6 one in brackets or not. */
export const host: Parse<string> = (given) => {
  const host = given.replace(/^\[(.*)\]$/, '$1');
  if (/^[\w.:%-]+$/.test(host)) return host;
  throw new Error('must be an address or a host name, without a port');
};

/** A name that clients call the hub by, in lower case. */
export const hostName: Parse<string> = (given) => {
  if (/^[a-z\d_-]+(\.[a-z\d_-]+)*$/i.test(given)) return given.toLowerCase();
  throw new Error('must be a host name as in hub.example.com, without scheme and port');
};

/** Whether only this machine can reach a host. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** An address, or all that share its first `prefix` bits. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

export const network: Parse<Network> = (given) => {
  const [address = '', bits, ...more] = given.split('/');
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (version !== 0 && prefix <= most && more.length === 0)
    return { address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' };
  throw new Error('must be an address or a network, as in 10.0.0.1 or 10.0.0.0/8');
};

/** Where a hub is. @returns a URL whose path ends in `/`, so that routes resolve below it */
export const hubUrl: Parse<URL> = (given) => {
  const url = webUrl(given);
  if (url.search || url.hash) throw new Error('must be where the hub is, without ? and #');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
};

export const webUrl: Parse<URL> = (given) => {
  const url = /^https?:\/\//i.test(given) && URL.canParse(given) ? new URL(given) : undefined;
  if (!url) throw new Error('must be a URL that begins http:// or https://');
  // fetch takes no such URL, and its error shows the password.
  if (url.username || url.password) throw new Error('must not hold a user or a password');
  return url;
};

/** Where a Redis is, with its user, password and database. */
export const redisUrl: Parse<URL> = (given) => {
  if (/^rediss?:\/\/./i.test(given) && URL.canParse(given)) {
    const url = new URL(given);
    if (url.hostname !== '' && /^\/?\d*$/.test(url.pathname)) return url;
  }
  throw new Error('must be a URL as in redis://localhost:6379 or rediss://user:password@host:6379/0');
};

/** An origin as browsers write it, or `*`. Those of apps, as capacitor://localhost, are none to URL, and stay as they are. */
export const webOrigin: Parse<string> = (given) => {
  if (given === '*') return given;
  const url = /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@*,]+$/i.test(given) && URL.canParse(given) ? new URL(given) : undefined;
  if (url) return /^https?:$/.test(url.protocol) ? url.origin : given.toLowerCase();
  throw new Error('must be an origin as in https://app.example.com, without a path, or *');
};

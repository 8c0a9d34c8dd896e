import { createHmac } from 'node:crypto';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADER = part({ alg: 'HS256', typ: 'JWT' });

/**
 * A token for everything, as a hub with this secret takes it.
 * @param {string} secret
 * @param {string} sub - whoever shows one token of its own is verified anew
 */
export function tokenFor(secret, sub) {
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  const signed = `${HEADER}.${part({ sub, exp, tinysse: { publish: ['*'], subscribe: ['*'] } })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

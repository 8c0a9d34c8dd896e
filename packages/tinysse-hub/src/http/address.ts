import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { Network } from '../values.js';

/** Where requests come from. */
export interface Addresses {
  /** Whether it is a proxy that speaks for others. */
  trusts(address: string): boolean;
  /** The client's address: that of the connection, or what the trusted proxies before it say. */
  of(req: IncomingMessage): string;
}

/** @param proxies - whose X-Forwarded-For is believed; anybody could send one */
export function createAddresses(proxies: readonly Network[]): Addresses {
  const trusted = new BlockList();
  for (const { address, prefix, family } of proxies) trusted.addSubnet(address, prefix, family);
  const trusts = (address: string): boolean =>
    proxies.length > 0 && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  const told = new WeakMap<IncomingMessage, string>();
  const find = ({ socket, headers }: IncomingMessage): string => {
    let address = plain(socket.remoteAddress ?? '');
    if (!trusts(address)) return address;
    // Each proxy adds whom it heard it from at the end; before the first that is not trusted, anything may stand.
    const hops = String(headers['x-forwarded-for'] ?? '').split(',');
    for (let hop = hops.pop(); hop !== undefined && trusts(address); hop = hops.pop()) {
      const next = addressIn(hop.trim());
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
  return {
    trusts: (address) => trusts(plain(address)),
    of(req) {
      if (proxies.length === 0) return plain(req.socket.remoteAddress ?? '');
      let address = told.get(req);
      if (address === undefined) told.set(req, (address = find(req)));
      return address;
    },
  };
}

/** An IPv4 address that came by IPv6 is still one. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** The address of a hop, which some proxies write with its port, and an IPv6 one in brackets. */
function addressIn(hop: string): string | undefined {
  const [, bracketed, beforePort] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(hop) ?? [];
  const address = plain(bracketed ?? beforePort ?? hop);
  return isIP(address) === 0 ? undefined : address;
}

/** The key under which limits count an address: IPv4 as it is, IPv6 by its /64. */
export function countedAs(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const before = head.split(':').filter(Boolean);
  const after = tail?.split(':').filter(Boolean) ?? [];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

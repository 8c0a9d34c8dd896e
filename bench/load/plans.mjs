/**
 * Who subscribes to what, and where each event goes.
 *
 * @typedef {{ channelsOf(client: number): string[], targetsOf(number: number): string[] }} Plan
 */

/** Spreads event numbers evenly and the same way in every run. */
const scatter = (number) => (Math.imul(number + 1, 2_654_435_761) >>> 8) % 1_000_000;

/** @type {Record<string, (spec: { clients: number, channels: number }) => Plan>} */
const plans = {
  /** Channels one after the other; every client has one. */
  each: ({ channels }) => ({
    channelsOf: (client) => [`c${client % channels}`],
    targetsOf: (number) => [`c${number % channels}`],
  }),
  /** Every client has 'all', one of ten roles and its own; some events go to two of a client's channels. */
  three: ({ clients }) => ({
    channelsOf: (client) => ['all', `role${client % 10}`, `user${client}`],
    targetsOf(number) {
      const chance = scatter(number) % 100;
      const client = scatter(number ^ 0x5bd1e995) % clients;
      if (chance < 8) return ['all'];
      if (chance < 10) return ['all', `user${client}`];
      if (chance < 38) return [`role${client % 10}`];
      if (chance < 40) return [`role${client % 10}`, `user${client}`];
      return [`user${client}`];
    },
  }),
};

export function planOf(spec) {
  const make = plans[spec.plan];
  if (!make) throw new Error(`there is no plan ${spec.plan}`);
  return make(spec);
}

/** Counts the clients that an event to `targets` reaches. */
export function audienceOf(clients) {
  const members = new Map();
  for (const client of clients)
    for (const channel of client.channels) {
      let set = members.get(channel);
      if (!set) members.set(channel, (set = new Set()));
      set.add(client);
    }
  return (targets) => {
    if (targets.length === 1) return members.get(targets[0])?.size ?? 0;
    return new Set(targets.flatMap((channel) => [...(members.get(channel) ?? [])])).size;
  };
}

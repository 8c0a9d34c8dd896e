/** @typedef {import('./world.mjs').World} World */

/** @param {Record<string, number>} counts */
const list = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'none';

/** @param {readonly World[]} worlds */
export const progress = (worlds) =>
  worlds
    .map(({ name, ledger: { counts, violations } }) => {
      const wrong = violations.length > 0 ? `, ${violations.length} VIOLATIONS` : '';
      return `${name}: ${counts.accepted} accepted, ${counts.delivered} delivered${wrong}`;
    })
    .join('; ');

/** What there was and what was wrong. @param {readonly World[]} worlds */
export function summary(worlds) {
  const lines = [];
  let ok = worlds.length > 0;
  for (const { name, ledger, faults } of worlds) {
    const { counts, resets, snapshots, epochs, readers, violations } = ledger;
    lines.push(
      `${name}: ${list(counts)}`,
      `  readers: ${readers.length}; epochs: ${epochs.size}; resets: ${list(resets)}; whole snapshots: ${snapshots}`,
      `  faults: ${list(Object.fromEntries(faults))}`,
    );
    for (const what of violations) lines.push(`  VIOLATION ${what}`);
    if (violations.length > 0) ok = false;
  }
  return { text: lines.join('\n'), ok };
}

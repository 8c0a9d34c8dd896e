/** The known name that needs the fewest changes to become `name`. */
export function nearest(name: string, known: readonly string[]): string {
  const [first = ''] = [...known].sort((a, b) => distance(name, a) - distance(name, b));
  return first;
}

/** How many letters must be put in, taken out or changed to make `b` of `a`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}

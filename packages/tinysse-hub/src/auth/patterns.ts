/** Channels by name: exact names, and prefixes written `prefix*`. */
export interface Patterns {
  /** Whether no channel fits. */
  readonly none: boolean;
  matches(channel: string): boolean;
}

export function compile(patterns: readonly string[]): Patterns {
  const names = new Set<string>();
  const prefixes: string[] = [];
  for (const pattern of patterns) {
    if (pattern.endsWith('*')) prefixes.push(pattern.slice(0, -1));
    else names.add(pattern);
  }
  return {
    none: patterns.length === 0,
    matches: (channel) => names.has(channel) || prefixes.some((prefix) => channel.startsWith(prefix)),
  };
}

export const nothing: Patterns = { none: true, matches: () => false };
export const everything: Patterns = { none: false, matches: () => true };

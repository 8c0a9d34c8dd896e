/** What to tell whoever subscribes to a pattern: the stream would be silent, and nobody would say why. */
export function patternHint(channels: readonly string[]): string | undefined {
  const pattern = channels.find((channel) => channel.endsWith('*'));
  if (pattern === undefined) return undefined;
  return `${JSON.stringify(pattern)} is the name of one channel here; patterns are for tokens and --anonymous only`;
}

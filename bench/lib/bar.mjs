/**
 * A bar and what was measured against it.
 *
 * @typedef {{ text: string, met: boolean | undefined, value: number | undefined, figures: string }} Bar
 */

/**
 * @param {string} text - what is asked
 * @param {number | undefined} value - what was measured; undefined when a subject was absent
 * @param {{ most?: number, least?: number, figures?: string }} asked
 * @returns {Bar}
 */
export function bar(text, value, { most, least, figures }) {
  if (value === undefined || Number.isNaN(value))
    return { text, met: undefined, value: undefined, figures: 'not measured' };
  const met = most !== undefined ? value <= most : value >= least;
  return { text, met, value, figures: figures ?? short(value) };
}

/** A ratio of two subjects' figures as a bar. */
export function ratioBar(text, of, figure, [ours, peer], asked) {
  const a = of(ours, figure);
  const b = of(peer, figure);
  const value = a === undefined || b === undefined ? undefined : a / b;
  const figures = value === undefined ? undefined : `${short(a)} / ${short(b)} = ${short(value)}`;
  return bar(text, value, { ...asked, figures });
}

/** A number with three significant digits. */
export function short(value) {
  if (value === undefined) return '–';
  if (value === 0) return '0';
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}

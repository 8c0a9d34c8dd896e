/** @typedef {{ epoch: string, offset: number }} Cursor */

/** @param {string} text - `epoch-offset` @returns {Cursor} */
export function parse(text) {
  const dash = text.indexOf('-');
  return { epoch: text.slice(0, Math.max(dash, 0)), offset: Number(text.slice(dash + 1)) };
}

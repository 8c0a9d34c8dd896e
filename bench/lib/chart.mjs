import { short } from './bar.mjs';

const WIDTH = 760;
const LABEL = 230;
const ROW = 22;
const GAP = 54;
const OURS = '#0a7f5a';
const PEER = '#9aa5b1';

const escaped = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/**
 * Draws bars of every case that has something to draw, as one SVG.
 *
 * @param {{ title: string, column: string, bars: { title: string, ours: boolean, value: number }[] }[]} charts
 */
export function draw(charts) {
  let y = 0;
  const parts = [];
  for (const { title, column, bars } of charts) {
    parts.push(`<text x="0" y="${y + 16}" class="title">${escaped(column)}</text>`);
    parts.push(`<text x="0" y="${y + 34}" class="what">${escaped(title)}</text>`);
    y += 44;
    const most = Math.max(...bars.map(({ value }) => value));
    for (const { title: name, ours, value } of bars) {
      const length = Math.max(1, (value / most) * (WIDTH - LABEL - 80));
      parts.push(`<text x="${LABEL - 8}" y="${y + 15}" class="name">${escaped(name)}</text>`);
      parts.push(
        `<rect x="${LABEL}" y="${y + 3}" width="${length.toFixed(1)}" height="${ROW - 6}" fill="${ours ? OURS : PEER}"/>`,
      );
      parts.push(`<text x="${(LABEL + length + 6).toFixed(1)}" y="${y + 15}">${short(value)}</text>`);
      y += ROW;
    }
    y += GAP - 44;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img">
<style>text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:14px}.what{fill:#666}.name{text-anchor:end}</style>
<rect width="${WIDTH}" height="${y}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

import { short } from './bar.mjs';

const WIDTH = 760;
const LABEL = 230;
const ROW = 22;
const GAP = 54;

const escaped = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/**
 * Draws bars of every case that has something to draw, as one SVG that follows the reader's colour scheme.
 *
 * @param {{ title: string, column: string, better: string, bars: { title: string, ours: boolean, value: number }[] }[]} charts
 */
export function draw(charts) {
  let y = 0;
  const parts = [];
  for (const { title, column, better, bars } of charts) {
    parts.push(
      `<text x="0" y="${y + 16}" class="title">${escaped(column)} <tspan class="what">(${escaped(better)} is better)</tspan></text>`,
    );
    parts.push(`<text x="0" y="${y + 34}" class="what">${escaped(title)}</text>`);
    y += 44;
    const most = Math.max(...bars.map(({ value }) => value));
    for (const { title: name, ours, value } of bars) {
      const length = Math.max(1, (value / most) * (WIDTH - LABEL - 80));
      parts.push(`<text x="${LABEL - 8}" y="${y + 15}" class="name">${escaped(name)}</text>`);
      parts.push(
        `<rect x="${LABEL}" y="${y + 3}" width="${length.toFixed(1)}" height="${ROW - 6}" class="${ours ? 'ours' : 'peer'}"/>`,
      );
      parts.push(`<text x="${(LABEL + length + 6).toFixed(1)}" y="${y + 15}">${short(value)}</text>`);
      y += ROW;
    }
    y += GAP - 44;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-labelledby="title">
<title id="title">${escaped(charts.map(({ title, column }) => `${column}: ${title}`).join('; '))}</title>
<style>
text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:14px}.what{font-weight:400;font-size:12px;fill:#57606a}
.name{text-anchor:end}.ours{fill:#0a7f5a}.peer{fill:#9aa5b1}.ground{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.what{fill:#9198a1}.ours{fill:#2fbf8f}.peer{fill:#5b6570}.ground{fill:#0d1117}}
</style>
<rect width="${WIDTH}" height="${y}" class="ground"/>
${parts.join('\n')}
</svg>
`;
}

import { short } from './bar.mjs';

const verdict = ({ met }) => (met === undefined ? 'not measured' : met ? 'met' : 'MISSED');

/** A case as lines for the terminal. */
export function terminal(outcome) {
  const head = ['', ...outcome.columns, ''];
  const body = outcome.rows.map((row) =>
    row.absent === undefined ? [row.title, ...row.figures.map(short), row.note] : [row.title, `absent: ${row.absent}`],
  );
  return [
    `${outcome.name}: ${outcome.what} (median of ${outcome.runs}; ${outcome.seconds.toFixed(0)} s)`,
    ...table(head, body, 1),
    ...outcome.bars.map((bar) => `  ${verdict(bar).padEnd(12)} ${bar.text}: ${bar.figures}`),
    ...outcome.remarks.map((text) => `  peer's fault  ${text}`),
    ...outcome.violations.map((text) => `  VIOLATION     ${text}`),
    '',
  ].join('\n');
}

/** A case that ran for its checks alone: its figures mean nothing. */
export function checked({ name, seconds, violations }) {
  const verdict = violations.length === 0 ? 'ok  ' : 'FAIL';
  return [
    `${verdict} ${name.padEnd(18)} ${seconds.toFixed(1).padStart(5)} s`,
    ...violations.map((text) => `     ${text}`),
  ].join('\n');
}

/** A case of two builds as lines for the terminal. */
export function comparison({ name, what, pairs, seconds, rows, violations, remarks }, other) {
  const body = rows.flatMap(({ title, lines, cannot }) =>
    cannot === undefined
      ? lines.map((line, i) => [
          i === 0 ? title : '',
          line.column,
          ...[line.ours, line.theirs].map(short),
          line.ratio.toFixed(3),
          `${line.low.toFixed(3)} to ${line.high.toFixed(3)}`,
          line.verdict === 'same' ? '' : line.verdict.toUpperCase(),
        ])
      : [[title, `cannot be compared: ${cannot}`]],
  );
  return [
    `${name}: ${what} (median of ${pairs} pairs; ${seconds.toFixed(0)} s)`,
    ...table(['', '', 'this build', other, 'ratio', '95 % interval', ''], body, 2),
    ...remarks.map((text) => `  fault of ${other}  ${text}`),
    ...violations.map((text) => `  VIOLATION     ${text}`),
    '',
  ].join('\n');
}

/** Rows as aligned lines, the first `texts` columns to the left; rows of a title and a text are as wide as they like. */
function table(head, body, texts) {
  const full = body.filter((cells) => cells.length > 2);
  const widths = head.map((title, i) =>
    Math.max(title.length, ...(i === 0 ? body : full).map((cells) => cells[i]?.length ?? 0)),
  );
  const line = (cells) =>
    cells.map((cell, i) => (i < texts ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [head, ...body].map((cells) => `  ${line(cells)}`.trimEnd());
}

/** All cases as a page. */
export function page(outcomes, { machine, date, versions, command, pinned }) {
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# Measured

Written by \`${command}\`. ${date}, ${machine}; ${used.join(', ')}.
Server on one core, load on the other${pinned ? '' : ' (not pinned: taskset is missing)'}. Subjects take turns in one run; figures are medians. Every delivery is
checked: none lost, none twice, all clients in one order. "server" and "generator" are the shares of their cores that they
used: a generator near 1 was the limit; flat out, both well below 1 say that other programs disturbed the machine. Bars compare figures of one run; figures of different machines or days do not compare.
For two builds there is \`npm run bench -- --compare COMMIT\`, which measures both in turn.

![deliveries per second and CPU per delivery](bench.svg)

${outcomes.map(section).join('\n')}`;
}

function section(outcome) {
  const cells = (list) => `| ${list.join(' | ')} |`;
  const rows = outcome.rows.map((row) =>
    row.absent === undefined
      ? cells(
          [row.ours ? `**${row.title}**` : row.title, ...row.figures.map(short)].concat(row.note ? [row.note] : ['']),
        )
      : cells([row.title, `absent: ${row.absent}`, ...outcome.columns.slice(1).map(() => ''), '']),
  );
  const bars = outcome.bars.map((bar) => cells([bar.text, bar.figures, verdict(bar)]));
  return `## ${outcome.name}

${outcome.what}; median of ${outcome.runs}.

${cells(['', ...outcome.columns, ''])}
${cells(['---', ...outcome.columns.map(() => '--:'), '---'])}
${rows.join('\n')}

| bar | measured | |
|---|---|---|
${bars.join('\n')}
`;
}

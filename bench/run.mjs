// npm run bench: measures tinysse beside its peers on this machine. See --help.
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { cases } from './cases/index.mjs';
import { runCase } from './lib/case.mjs';
import { draw } from './lib/chart.mjs';
import { pinned } from './lib/processes.mjs';
import { checked, page, terminal } from './lib/report.mjs';
import { versions } from './lib/subjects.mjs';

const HELP = `npm run bench -- [CASE…] [options]

Measures tinysse beside its peers: server on core 0, load on core 1, subjects in turn, medians of several runs.
Every delivery is checked; the exit code is 1 when tinysse lost, doubled or reordered one. Bars never change it.

  --quick       tinysse alone, once and briefly, for its checks; prints no figures
  --runs N      how often, instead of what each case says
  --docs        write docs/bench.md and docs/bench.svg; a full run of all cases does so anyway
  --json FILE   write every run's figures
  --list        print the cases
  --help        print this

Cases:
${cases.map(({ name, what }) => `  ${name.padEnd(18)} ${what}`).join('\n')}

Linux only: it reads /proc. nginx with nchan (apt install libnginx-mod-nchan) and bun are measured when they are installed.`;

const { values, positionals } = readArguments();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (values.list) {
  console.log(cases.map(({ name }) => name).join('\n'));
  process.exit(0);
}
const unknown = positionals.filter((name) => !cases.some((one) => one.name === name));
const runs = values.runs === undefined ? undefined : Number(values.runs);
if (unknown.length > 0) usage(`there is no case ${unknown.join(', ')}`);
if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) usage('--runs takes a positive whole number');
if (process.platform !== 'linux') usage('this needs Linux: it reads /proc');

const chosen = positionals.length > 0 ? cases.filter(({ name }) => positionals.includes(name)) : cases;
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);
const outcomes = [];
for (const one of chosen) {
  const outcome = await runCase(one, {
    quick: values.quick,
    runs,
    progress: (text) => progress(`${one.name} ${text}`),
  });
  progress('');
  console.log(values.quick ? checked(outcome) : terminal(outcome));
  outcomes.push(outcome);
}

const about = {
  machine: `${os.cpus().length} cores of ${os.cpus()[0].model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}`,
  date: new Date().toISOString().slice(0, 10),
  versions: versions(),
  command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
  pinned,
};
if (values.json) writeFileSync(values.json, `${JSON.stringify({ ...about, outcomes }, null, 2)}\n`);
if (values.docs || (chosen.length === cases.length && !values.quick && runs === undefined)) {
  writeFileSync(new URL('../docs/bench.md', import.meta.url), page(outcomes, about));
  writeFileSync(new URL('../docs/bench.svg', import.meta.url), draw(outcomes.flatMap(({ chart }) => chart ?? [])));
}
const violations = outcomes.flatMap((outcome) => outcome.violations);
if (violations.length > 0) console.error(`tinysse broke its promise:\n${violations.join('\n')}`);
process.exit(violations.length > 0 ? 1 : 0);

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        docs: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        runs: { type: 'string' },
        json: { type: 'string' },
      },
    });
  } catch (error) {
    return usage(error.message);
  }
}

function usage(problem) {
  console.error(`${problem}\n\n${HELP}`);
  return process.exit(2);
}

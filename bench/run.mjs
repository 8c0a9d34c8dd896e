// npm run bench: measures tinysse beside its peers on this machine. See --help.
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { cases } from './cases/index.mjs';
import { runCase } from './lib/case.mjs';
import { draw } from './lib/chart.mjs';
import { compareCase } from './lib/compare.mjs';
import { buildOther } from './lib/other-build.mjs';
import { pinned } from './lib/processes.mjs';
import { checked, comparison, page, terminal } from './lib/report.mjs';
import { versions } from './lib/subjects.mjs';

const HELP = `npm run bench -- [CASE…] [options]

Measures tinysse beside its peers: server on core 0, load on core 1, subjects in turn, medians of several runs.
Every delivery is checked; the exit code is 1 when tinysse lost, doubled or reordered one. Bars never change it.

  --quick       tinysse alone, once and briefly, for its checks; prints no figures
  --runs N      how often, instead of what each case says
  --compare C   this build beside that of commit C, in turn: exit code 1 on a loss; see below
  --pairs N     with --compare: how often each is measured, 9 or more (9)
  --docs        write docs/bench.md and docs/bench.svg; a full run of all cases does so anyway
  --json FILE   write every run's figures
  --list        print the cases
  --help        print this

Cases:
${cases.map(({ name, what }) => `  ${name.padEnd(18)} ${what}`).join('\n')}

--compare checks out commit C in a temporary folder and builds it. Both builds are measured by the bench of this tree, in
pairs; which is first changes from pair to pair. Compared are the ratios this build / C of all pairs: their median, and the
95 % interval of that median (two of the ratios, found by the sign test: of 9 the second and the eighth). A difference counts
when it is above 3 % and the interval excludes 1. A loss is measured again with as many new pairs, and is one if they show
it too. Subjects that only accompany a case are left out.

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
const pairs = Number(values.pairs ?? 9);
if (!(Number.isInteger(pairs) && pairs >= 9)) usage('--pairs takes a whole number, 9 or more');
if (values.compare === undefined && values.pairs !== undefined) usage('--pairs belongs to --compare');
if (values.compare !== undefined && (values.quick || values.docs || runs !== undefined))
  usage('--compare goes with --pairs and --json only');
if (process.platform !== 'linux') usage('this needs Linux: it reads /proc');

const chosen = positionals.length > 0 ? cases.filter(({ name }) => positionals.includes(name)) : cases;
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);
const about = {
  machine: `${os.cpus().length} cores of ${os.cpus()[0].model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}`,
  date: new Date().toISOString().slice(0, 10),
  versions: versions(),
  command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
  pinned,
};
if (values.compare !== undefined) process.exit(await compare(values.compare));
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

if (values.json) writeFileSync(values.json, `${JSON.stringify({ ...about, outcomes }, null, 2)}\n`);
if (values.docs || (chosen.length === cases.length && !values.quick && runs === undefined)) {
  writeFileSync(new URL('../docs/bench.md', import.meta.url), page(outcomes, about));
  writeFileSync(new URL('../docs/bench.svg', import.meta.url), draw(outcomes.flatMap(({ chart }) => chart ?? [])));
}
const violations = outcomes.flatMap((outcome) => outcome.violations);
if (violations.length > 0) console.error(`tinysse broke its promise:\n${violations.join('\n')}`);
process.exit(violations.length > 0 ? 1 : 0);

function tryToBuild(commit, tell) {
  try {
    return buildOther(commit, tell);
  } catch (error) {
    console.error(`${commit} cannot be compared: ${error.message}`);
    return process.exit(2);
  }
}

/** @returns the exit code */
async function compare(commit) {
  // Where no terminal rewrites the line, every step is a line: a comparison takes long.
  const tell = process.stderr.isTTY ? progress : (text) => text && console.error(text);
  const other = tryToBuild(commit, tell);
  const compared = [];
  for (const one of chosen) {
    compared.push(await compareCase(one, other, { pairs, progress: (text) => tell(`${one.name}: ${text}`) }));
    tell('');
    console.log(comparison(compared.at(-1), other.name));
  }
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ ...about, other: other.name, compared }, null, 2)}\n`);
  const losses = compared.flatMap(({ losses, violations }) => [...losses, ...violations]);
  console.log(
    losses.length > 0 ? `lost against ${other.name}:\n${losses.join('\n')}` : `no loss against ${other.name}`,
  );
  return losses.length > 0 ? 1 : 0;
}

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
        compare: { type: 'string' },
        pairs: { type: 'string' },
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

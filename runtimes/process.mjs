// Node, Bun and Deno: a line of standard output for every case.
import process from 'node:process';
import { runSuites } from './suites.mjs';

await runSuites(process.argv[2], console.log);
process.exit();

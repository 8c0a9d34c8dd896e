// Runs after every install. The packages that bring Node 22 and 24 for the tests of `runtimes/` offer them as `node`, and npm
// puts what packages offer before the PATH of every script: take the offer back, so that scripts run on the user's own Node.
import { rmSync } from 'node:fs';

for (const name of ['node', 'node.cmd', 'node.ps1'])
  rmSync(new URL(`../node_modules/.bin/${name}`, import.meta.url), { force: true });

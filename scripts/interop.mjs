// npm run test:interop: the interop tests against the Go package itself, which interop/module/go.mod pins, in place of
// our own Go programs. Downloads it with the Go on PATH.
import { spawnSync } from 'node:child_process';

const skip = (/** @type {string} */ reason) => {
  console.log(`Not tested against the Go package itself: ${reason}`);
  process.exit(0);
};

const { status, stderr, error } = spawnSync('go', ['mod', 'download'], {
  cwd: 'interop/module',
  encoding: 'utf8',
  env: { ...process.env, GOTOOLCHAIN: 'local' },
});
if (error) skip(error.message);
// No Go that is new enough, no network, or a proxy that does not serve it: nothing that a change here could mend.
if (status !== 0) skip(stderr.trim());

const args = ['run', 'packages/tinysse-hub/test/interop'];
const env = { ...process.env, TINYSSE_TEST_GO: 'module' };
process.exitCode = spawnSync('vitest', args, { stdio: 'inherit', env }).status ?? 1;

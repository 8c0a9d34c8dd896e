import { expect, test } from 'vitest';
import { run, start } from './program.js';

/** What Kubernetes sets in every pod for services that are called "tinysse" and "tinysse-hub". */
const KUBERNETES = {
  TINYSSE_SERVICE_HOST: '10.3.2.1',
  TINYSSE_SERVICE_PORT: '80',
  TINYSSE_SERVICE_PORT_HTTP: '80',
  TINYSSE_PORT: 'tcp://10.3.2.1:80',
  TINYSSE_PORT_80_TCP: 'tcp://10.3.2.1:80',
  TINYSSE_PORT_80_TCP_PROTO: 'tcp',
  TINYSSE_PORT_80_TCP_PORT: '80',
  TINYSSE_PORT_80_TCP_ADDR: '10.3.2.1',
  TINYSSE_HUB_PORT: 'tcp://10.3.2.2:80',
  TINYSSE_HUB_SERVICE_HOST: '10.3.2.2',
};

test('variables of a service of Kubernetes are no settings, and no mistakes', async () => {
  const checked = await run(['check-config', '--memory'], { env: KUBERNETES });
  expect([checked.code, checked.stderr]).toEqual([0, '']);
  expect(checked.stdout).toContain('port: "7730" # default\n');
  const serving = start(['serve', '--memory', '--port', '0'], KUBERNETES);
  await serving.until(({ stderr }) => stderr.includes('listening'));
  expect(serving.stderr).not.toContain('TINYSSE_');
});

test('a variable that is no setting is reported at the start, with the one that it may be meant for', async () => {
  const message = 'unknown variable TINYSSE_RETAIN_AGES; did you mean TINYSSE_RETAIN_AGE?';
  const env = { TINYSSE_RETAIN_AGES: '7d', TINYSSE_TOKEN: 'of-another-command' };
  const serving = start(['serve', '--memory', '--port', '0'], env);
  await serving.until(({ stderr }) => stderr.includes('listening'));
  expect(serving.stderr).toContain(message);
  expect(serving.stderr.match(/unknown variable/g)).toHaveLength(1);
  const checked = await run(['check-config', '--memory'], { env });
  expect([checked.code, checked.stderr]).toEqual([0, `tinysse-hub: ${message}\n`]);
});

test('a setting that looks like the address of a service is refused as any other wrong value, and not left out', async () => {
  const { code, stdout, stderr } = await run(['check-config'], { env: { TINYSSE_REDIS: 'tcp://10.3.2.1:6379' } });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('TINYSSE_REDIS=');
  const mistaken = await run(['check-config', '--memory'], { env: { TINYSSE_REDSI: 'tcp://10.3.2.1:6379' } });
  expect(mistaken.stderr).toContain('unknown variable TINYSSE_REDSI; did you mean TINYSSE_REDIS?');
});

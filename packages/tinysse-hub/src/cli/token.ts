import type { Command } from 'commander';
import { SignJWT } from 'jose';
import { readSecret } from '../auth/auth.js';
import { tokenFlags } from '../config.js';
import { readServeFile } from '../config-file.js';
import { addFlags, readFlags } from '../flags.js';
import { UsageError } from '../problems.js';
import { endWithReader, print } from './stdio.js';

export function tokenCommand(program: Command): void {
  const command = program
    .command('token')
    .summary('make a token, for trying things out')
    .description(
      'Prints a token for a hub that verifies with --jwt-secret or --jwt-secret-file, signed with the same secret (HS256). ' +
        'In production, whoever signs your users in makes the tokens.',
    );
  addFlags(command, tokenFlags)
    .addHelpText(
      'after',
      `
Examples:
  export TINYSSE_JWT_SECRET=$(openssl rand -base64 32)
  tinysse-hub serve &
  export TINYSSE_TOKEN=$(tinysse-hub token --publish 'demo*' --subscribe 'demo*')
  tinysse-hub tail demo &
  date | tinysse-hub publish demo
  curl -N -H "Authorization: Bearer $TINYSSE_TOKEN" 'http://127.0.0.1:7730/events?channel=demo'
  tinysse-hub token --config hub.yaml --subscribe user:17 --subject ann --ttl 5m

Its payload: {"sub":"ann","exp":…,"tinysse":{"publish":[…],"subscribe":[…],"admin":true}}`,
    )
    .action(async () => {
      endWithReader();
      const config = readFlags(command, tokenFlags, process.env, readServeFile(command, process.env));
      const secret = readSecret(config);
      if (!secret)
        throw new UsageError('a secret signs the token: set --jwt-secret-file or --jwt-secret, as the hub has it');
      const { publish, subscribe, admin, ttl, subject, jwtIssuer, jwtAudience } = config;
      if (publish.length === 0 && subscribe.length === 0 && !admin)
        throw new UsageError('say what the token is for: --publish, --subscribe or --admin');
      const token = new SignJWT({ tinysse: { publish, subscribe, ...(admin && { admin }) } })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime(Math.ceil((Date.now() + ttl) / 1_000));
      if (subject !== undefined) token.setSubject(subject);
      if (jwtIssuer !== undefined) token.setIssuer(jwtIssuer);
      if (jwtAudience !== undefined) token.setAudience(jwtAudience);
      await print(await token.sign(secret));
    });
}

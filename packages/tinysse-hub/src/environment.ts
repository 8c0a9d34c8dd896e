import { commandFlags } from './config.js';
import { isServiceLink, variableOf } from './flags.js';
import { nearest } from './nearest.js';

/** What Kubernetes and Docker set for a service whose name begins with "tinysse". */
const OF_SERVICES = /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;

/** Finds variables that look like settings and are none. @returns a message for each, which names no value */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = Object.values(commandFlags).flatMap((flags) =>
    Object.values(flags).map(({ flag }) => variableOf(flag)),
  );
  return Object.entries(env)
    .filter(
      ([name, value = '']) => name.startsWith('TINYSSE_') && !OF_SERVICES.test(name) && !isServiceLink(name, value),
    )
    .filter(([name]) => !known.includes(name))
    .map(([name]) => `unknown variable ${name}; did you mean ${nearest(name, known)}?`);
}

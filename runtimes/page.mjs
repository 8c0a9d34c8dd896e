// Browsers: a request to the address in the hash for every case. The page is of the scripted server's origin.
import { nativeSuites, runSuites, suites } from './suites.mjs';

const lines = decodeURIComponent(location.hash.slice(1));
const say = (line) => fetch(lines, { method: 'POST', mode: 'no-cors', body: line });
try {
  // A browser opens six connections to a server: four cases, and what they ask the server.
  for (const [name, suite] of Object.entries(ONLY_NATIVE ? nativeSuites : { ...nativeSuites, ...suites }))
    await runSuites(location.origin, say, { [name]: suite }, 4);
} catch (error) {
  await say(JSON.stringify({ suite: 'page', name: 'runs', error: String(error.stack) }));
}
say('end');

import { createSSEServer, memoryLog } from 'tinysse';
import { createSSEClient } from 'tinysse/client';
import { EventSource } from 'tinysse/eventsource';
import {
  clientSuite,
  eventSourceUnderTest,
  logSuite,
  runClientSuite,
  serverSuite,
  sseClientUnderTest,
} from 'tinysse/testing';

const { standard, eventSource, tinysse } = clientSuite;

/** A suite: how many cases it has, and what runs them and says how each went. */
const clients = (cases, client) => ({
  cases: cases.length,
  run: (server, say, atOnce) => runClientSuite(cases, client, server, say, atOnce),
});
const local = (cases, subject) => ({
  cases: cases.length,
  async run(_server, say) {
    for (const { name, run } of cases)
      await run(subject).then(
        () => say({ name }),
        (error) => say({ name, error: String(error?.stack ?? error) }),
      );
  },
});

/** Everything that is held on every runtime. */
export const suites = {
  createSSEClient: clients([...standard, ...tinysse], sseClientUnderTest(createSSEClient)),
  EventSource: clients([...standard, ...eventSource], eventSourceUnderTest(EventSource)),
  server: local(serverSuite, createSSEServer),
  memoryLog: local(logSuite, memoryLog),
};

/** The reference: the runtime's own EventSource. */
export const nativeSuites = {
  'native EventSource': clients([...standard, ...eventSource], eventSourceUnderTest(globalThis.EventSource)),
};

/**
 * Runs suites, all at once, against the scripted server at `server`, and says a line of JSON for every case:
 * `{ suite, name, error? }`.
 *
 * @param {string} server
 * @param {(line: string) => void} say
 * @param {Record<string, typeof suites[string]>} [chosen]
 * @param {number} [atOnce] how many cases of a suite run at once
 */
export async function runSuites(server, say, chosen = suites, atOnce = 16) {
  await Promise.all(
    Object.entries(chosen).map(([suite, { run }]) =>
      run(server, (result) => say(JSON.stringify({ suite, ...result })), atOnce),
    ),
  );
}

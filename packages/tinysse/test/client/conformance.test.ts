import { createSSEClient } from 'tinysse/client';
import { EventSource } from 'tinysse/eventsource';
import { clientSuite, eventSourceUnderTest, runClientCase, sseClientUnderTest } from 'tinysse/testing';
import { createScriptedServer, type ScriptedServer } from 'tinysse/testing/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const { standard, eventSource, tinysse } = clientSuite;
let server: ScriptedServer;
beforeAll(async () => {
  server = await createScriptedServer();
});
afterAll(() => server.close());

describe.concurrent('createSSEClient:', () => {
  test.each([...standard, ...tinysse])('$name', (case_) =>
    runClientCase(case_, sseClientUnderTest(createSSEClient), server.url),
  );
});

describe.concurrent('EventSource:', () => {
  test.each([...standard, ...eventSource])('$name', (case_) =>
    runClientCase(case_, eventSourceUnderTest(EventSource), server.url),
  );
});

test('no two cases have one name', () => {
  const names = [...standard, ...eventSource, ...tinysse].map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual([]);
});

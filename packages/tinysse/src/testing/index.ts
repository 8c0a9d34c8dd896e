/** `tinysse/testing`: suites that stores, clients and servers are held to, and a clock for tests. */
export type {
  Answer,
  ClientCase,
  ClientExpectations,
  ClientUnderTest,
  HeardMessage,
  Hears,
  SeenRequest,
} from './client-case.js';
export { runClientCase } from './client-case.js';
export {
  type ClientCaseResult,
  clientSuite,
  eventSourceUnderTest,
  runClientSuite,
  sseClientUnderTest,
} from './client-suite.js';
export { createFakeClock, type FakeClock } from './fake-clock.js';
export type { LogCase, LogTestOptions, OpenLog } from './log-bench.js';
export { logSuite } from './log-suite.js';
export { type CreateServer, type ServerCase, serverSuite } from './server-suite.js';

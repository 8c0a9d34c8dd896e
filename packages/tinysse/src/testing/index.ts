export { createFakeClock, type FakeClock } from './fake-clock.js';
export type { LogCase, LogTestOptions, OpenLog } from './log-bench.js';
export { logSuite } from './log-suite.js';

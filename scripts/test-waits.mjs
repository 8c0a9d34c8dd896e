// Before each test file. vi.waitFor gives up after one second unless told otherwise, which a busy machine or a client
// that waits to reconnect exceeds at times: a condition may take as long as its test.
import { vi } from 'vitest';

const WAIT_MS = 25_000;

const { waitFor } = vi;
vi.waitFor = (condition, options = { timeout: WAIT_MS }) => waitFor(condition, options);

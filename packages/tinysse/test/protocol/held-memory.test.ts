import v8 from 'node:v8';
import vm from 'node:vm';
import { expect, test } from 'vitest';
import { createDecoder } from '../../src/protocol/decode.js';

test('the room of one large event is given back', () => {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  const held = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const decoders = Array.from({ length: 4 }, () => createDecoder({ onEvent: () => {} }));
  const before = held();
  for (const decoder of decoders) decoder.feed(Buffer.from(`data: ${'x'.repeat(8e6)}\n\ndata: small`));
  // The last of what was fed may still be on the stack.
  expect(held() - before).toBeLessThan(1e7);
  for (const decoder of decoders) decoder.feed(Buffer.from('\n\n'));
});

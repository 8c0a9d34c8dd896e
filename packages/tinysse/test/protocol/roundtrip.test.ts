import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SSEError } from '../../src/errors.js';
import { encodedLength, encodeEvent, toBytes } from '../../src/protocol/encode.js';
import { eventData, eventName } from '../../src/protocol/event.js';
import { decodeChunks } from './decoding.js';

/** Any UTF-16 units, lone surrogates included, and what is dangerous more often. */
const anyText = fc.string({
  unit: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('\r', '\n', '\r\n', '\0', ':', ' ', '\ufeff', '\ud83d', '\ude00', 'data: x'),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom('\n\n', '\nid: 9\n', '\revent: tinysse:reset\r', 'retry: 1\n', '\u2028', '\u0085'),
    },
  ),
});
const oneLine = anyText.map((text) => text.replace(/[\r\n\0]/g, ''));
const cuts = fc.array(fc.nat(), { maxLength: 20 });

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const wellFormed = (text: string) => text.replace(LONE_SURROGATE, '\ufffd');
const normalise = (text: string) => wellFormed(text.replace(/\r\n?/g, '\n'));

function* cut(bytes: Uint8Array, at: number[]): Generator<Uint8Array> {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    yield bytes.slice(from, to);
    from = to;
  }
}

test('what is encoded is decoded to itself, line ends and lone surrogates normalised, however it is cut', () => {
  const events = fc.array(fc.record({ id: oneLine, event: oneLine, data: anyText }), { maxLength: 4 });
  fc.assert(
    fc.property(events, cuts, (sent, at) => {
      const decoded = decodeChunks(cut(toBytes(sent.map(encodeEvent).join('')), at));
      expect(decoded.messages).toEqual(
        sent.map(({ id, event, data }) => ({
          id: wellFormed(id),
          event: wellFormed(event) || 'message',
          data: normalise(data),
        })),
      );
    }),
    { numRuns: 500 },
  );
});

test('nothing that a caller passes as name or data makes a second field or event', () => {
  fc.assert(
    fc.property(anyText, anyText, cuts, (name, data, at) => {
      let event: string | undefined;
      try {
        event = eventName(name);
      } catch (error) {
        expect(error).toBeInstanceOf(SSEError);
        return;
      }
      const decoded = decodeChunks(cut(toBytes(encodeEvent({ event, data: eventData(data) })), at));
      expect(decoded).toEqual({
        messages: [{ id: '', event: wellFormed(name) || 'message', data: normalise(data) }],
        ownIds: [false],
        retries: [],
        lastEventId: '',
      });
    }),
    { numRuns: 500 },
  );
});

test('the length of an encoded event is known without encoding it', () => {
  fc.assert(
    fc.property(fc.option(oneLine, { nil: undefined }), anyText, (event, data) => {
      expect(encodedLength(event, data)).toBe(toBytes(encodeEvent({ event, data })).length);
    }),
  );
});

test('a decoder survives any bytes, and cutting them changes nothing', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const lively = fc.array(
    fc.constantFrom('data', 'id', 'event', 'retry', ':', ' ', '\r', '\n', '\r\n', '7', '\ufeff', 'é'),
  );
  const streams = fc.oneof(
    bytes,
    lively.map((parts) => toBytes(parts.join(''))),
  );
  fc.assert(
    fc.property(streams, cuts, (stream, at) => {
      expect(decodeChunks(cut(stream, at))).toEqual(decodeChunks([stream]));
    }),
    { numRuns: 1000 },
  );
});

import { json, type SSEError, type SSEMessage, typed } from 'tinysse/client';
import { useSSE as useReact } from 'tinysse/react';
import { type SSEReadable, useSSE as useSvelte } from 'tinysse/svelte';
import { useSSE as useVue } from 'tinysse/vue';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { ref } from 'vue';
import { z } from 'zod';

type Events = { update: { id: string }; count: number };
const url = '/events';
const events = typed({ update: z.object({ id: z.string() }), count: z.number() });

// What follows is compiled and never run: a hook needs a component.
const compiled = (body: () => unknown) => expect(body).toBeTypeOf('function');

describe('types of useSSE', () => {
  test('are those of text by default, which is not there at first', () => {
    compiled(() => {
      const { data, error, close } = useReact(url);
      expectTypeOf(data).toEqualTypeOf<string | undefined>();
      expectTypeOf(error).toEqualTypeOf<SSEError | undefined>();
      expectTypeOf(close).toEqualTypeOf<() => void>();
      expectTypeOf(useReact(url, { initial: 'none' }).data).toEqualTypeOf<string>();
      expectTypeOf(useVue(ref(url)).data.value).toEqualTypeOf<string | undefined>();
      expectTypeOf(useSvelte(url)).toEqualTypeOf<SSEReadable<string | undefined>>();
    });
  });

  test('follow reduce, which needs an initial', () => {
    compiled(() => {
      const { data } = useReact(url, {
        initial: [] as SSEMessage[],
        reduce: (list, message) => {
          expectTypeOf(message).toEqualTypeOf<SSEMessage>();
          return [...list, message];
        },
      });
      expectTypeOf(data).toEqualTypeOf<SSEMessage[]>();
      expectTypeOf(useReact(url, { initial: 0, reduce: (count: number) => count + 1 }).data).toBeNumber();
      // @ts-expect-error: a count of what, before the first message?
      useReact(url, { reduce: (count: number) => count + 1 });
      // @ts-expect-error: text is no number
      useReact(url, { initial: 0 });
    });
  });

  test('come from the codec, and of the events that are asked for', () => {
    compiled(() => {
      const { data } = useReact(url, { codec: events });
      expectTypeOf(data).toEqualTypeOf<{ id: string } | number | undefined>();
      expectTypeOf(useReact(url, { codec: events, events: ['count'] }).data).toEqualTypeOf<number | undefined>();
      expectTypeOf(useVue(url, { codec: events, events: ['count'] }).data.value).toEqualTypeOf<number | undefined>();
      const sum = useReact(url, {
        codec: events,
        events: ['count'],
        initial: 0,
        reduce: (sum: number, { event, data }) => {
          expectTypeOf(event).toEqualTypeOf<'count'>();
          return sum + data;
        },
      });
      expectTypeOf(sum.data).toBeNumber();
      // @ts-expect-error: no such event
      useReact(url, { codec: events, events: ['counts'] });
    });
  });

  test('may be a map of events, which needs a codec', () => {
    compiled(() => {
      const { data } = useReact<Events, 'count'>(url, { codec: json, events: ['count'] });
      expectTypeOf(data).toEqualTypeOf<number | undefined>();
      // @ts-expect-error: who would parse it?
      useReact<Events>(url, {});
    });
  });
});

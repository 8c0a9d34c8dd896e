// Run by Jest in its jsdom environment, which has no fetch, TextDecoder or TextEncoder.
test.each(['tinysse', 'tinysse/client', 'tinysse/eventsource', 'tinysse/publisher', 'tinysse/react'])(
  '%s',
  (entry) => import(entry),
);

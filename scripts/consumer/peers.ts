// The entries that are for a framework or a store.
export { lmdbLog } from 'tinysse/lmdb';
export { useSSE as useReactSSE } from 'tinysse/react';
export { redisLog } from 'tinysse/redis';
export { useSSE as useSvelteSSE } from 'tinysse/svelte';
export { createScriptedServer } from 'tinysse/testing/server';
export { useSSE as useVueSSE } from 'tinysse/vue';

import { defineConfig } from 'vitest/config';

// Tests import the packages by name and get their TypeScript sources, so a failure points at the line that was written.
export default defineConfig({
  ssr: { resolve: { conditions: ['tinysse-source', 'module', 'node'] } },
  resolve: { conditions: ['tinysse-source', 'module', 'node'] },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'examples/**/*.test.ts',
      'runtimes/*.test.ts',
      'bench/test/**/*.test.ts',
      'faults/test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/.tmp/**'],
    server: { deps: { inline: ['tinysse', 'tinysse-hub'] } },
    // Concurrent tests mostly wait.
    maxConcurrency: 20,
    testTimeout: 30_000,
    setupFiles: ['./scripts/test-waits.mjs'],
    expect: { poll: { timeout: 25_000 } },
    hookTimeout: 60_000,
    reporters: ['default', './scripts/test-reporter.mjs'],
  },
});

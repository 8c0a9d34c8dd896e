/**
 * Ends a test run with one plain line for people and machines, `123 passed, 0 failed`, and makes a skipped test a failure
 * when TINYSSE_TEST_REQUIRE=all, unless the caller chose tests by name.
 *
 * @implements {import('vitest/reporters').Reporter}
 */
export default class TestReporter {
  #skipsFail = process.env.TINYSSE_TEST_REQUIRE === 'all';

  /** @param {import('vitest/node').Vitest} vitest */
  onInit(vitest) {
    if (vitest.config.testNamePattern) this.#skipsFail = false;
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state) => tests.filter((test) => test.result().state === state).length;
    // Errors outside of tests: a file that does not load, a hook that throws, a rejection that nobody handles.
    const outside = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const passed = count('passed');
    let failed = count('failed') + outside.filter((task) => task.errors().length > 0).length + unhandledErrors.length;
    let skipped = tests.length - passed - count('failed');

    if (this.#skipsFail && skipped > 0) {
      for (const test of tests.filter((test) => !['passed', 'failed'].includes(test.result().state))) {
        console.error(`Skipped, though TINYSSE_TEST_REQUIRE=all: ${test.module.relativeModuleId} > ${test.fullName}`);
      }
      failed += skipped;
      skipped = 0;
      process.exitCode = 1;
    }
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}

import { globSync, readFileSync } from 'node:fs'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const FILES = ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts']

/**
 * What a test file must not do in a process that it shares with others: put something in the place of modules,
 * globals, time or the environment, or measure the memory of the process. Such files get a process of their own;
 * all others follow each other in one, which loads each module once.
 */
const OWN_PROCESS =
  /\bvi\.(?:mock|doMock|stubGlobal|stubEnv|useFakeTimers)\(|process\.(?:env\[[^\]]+\] =|memoryUsage|chdir|umask)/

const own = globSync(FILES, { cwd: import.meta.dirname, exclude: ['**/node_modules/**'] }).filter((file) =>
  OWN_PROCESS.test(readFileSync(file, 'utf8')),
)

const config: ViteUserConfig = defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // Tests that load ONNX Runtime in their own process: it reports its use unless told not to.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A busy machine may be slow; what never comes still fails.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      { extends: true, test: { name: 'alone', include: own } },
      {
        extends: true,
        test: { name: 'shared', include: FILES, exclude: ['**/node_modules/**', ...own], isolate: false },
      },
    ],
  },
})
export default config

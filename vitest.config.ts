import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const FILES = ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts']

/** Where files follow each other in one process, which loads each module once: packages that run no engines and no stacks. */
const SHARED = ['packages/{protocol,verifier,client,console,serve,edge,cli,testkit}/test/**/*.test.ts']

/**
 * What a test file must not do in a process that it shares with others: put something in the place of modules,
 * globals, time or the environment, or measure what the process holds. Such files get a process of their own too.
 */
const OWN_PROCESS = new RegExp(
  [
    String.raw`\bvi\.(?:mock|doMock|stubGlobal|stubEnv|useFakeTimers|setSystemTime)\(`,
    String.raw`\bvi\.spyOn\((?:process|performance|console|globalThis)\b`,
    String.raw`process\.(?:env(?:\[[^\]]+\]|\.\w+) = |memoryUsage|chdir|umask)|delete process\.env`,
    String.raw`/proc/`,
  ].join('|'),
)

/** Files that take longest: begun first, so that none of them is the last one running. */
const LONGEST = [
  'test/receipt-log/',
  'test/stack/',
  'test/rooms/',
  'test/deploy/',
  'test/browser/',
  'packages/kms/test/faults',
  'packages/kms/test/root/',
  'test/fuzz',
  'test/release/',
  'packages/kms/test/replicas/',
  'packages/enclave/test/engines/',
  'packages/cli/test/custodian/',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const file = relative(import.meta.dirname, moduleId)
      const place = LONGEST.findIndex((path) => file.startsWith(path))
      return place < 0 ? LONGEST.length : place
    }
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}

const shared = globSync(SHARED, { cwd: import.meta.dirname, exclude: ['**/node_modules/**'] }).filter(
  (file) => !OWN_PROCESS.test(readFileSync(file, 'utf8')),
)

const config: ViteUserConfig = defineConfig({
  test: {
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // One more than the processors of a small machine: tests of several processes mostly wait.
    maxWorkers: Math.max(2, Math.min(availableParallelism() + 1, 4)),
    // Tests that load ONNX Runtime in their own process: it reports its use unless told not to.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A busy machine may be slow; what never comes still fails.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      { extends: true, test: { name: 'alone', include: FILES, exclude: ['**/node_modules/**', ...shared] } },
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
    ],
  },
})
export default config

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findLayout, type Layout } from '../../packages/cli/src/stack/layout.ts'
import { startStack, type Stack, type StackOptions } from '../../packages/cli/src/stack/start.ts'

/** A stack of built images in a folder of its own, for one test file. */
export interface TestStack extends Stack {
  folder: string
  layout: Layout
  close(): Promise<void>
}

/** Starts it. `npm test` has built the images before. */
export async function startTestStack(options: Partial<StackOptions> = {}): Promise<TestStack> {
  const layout = options.layout ?? findLayout(import.meta.url)
  const folder = options.stateFolder ?? (await mkdtemp(join(tmpdir(), 'sotto-test-')))
  const stack = await startStack({ ...options, layout, stateFolder: folder })
  return {
    ...stack,
    folder,
    layout,
    async close() {
      await stack.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Folder of shared test data, or undefined with a printed reason; missing it is a failure in CI. */
export function testdata(name: string): string | undefined {
  const folder = join(
    process.env['SOTTO_TESTDATA'] ?? join(import.meta.dirname, '../../../shared/testdata'),
    name,
  )
  if (existsSync(folder)) return folder
  if (process.env['CI']) throw new Error(`test data is missing: ${folder}`)
  process.stderr.write(`skipped: SOTTO_TESTDATA has no ${name}\n`)
  return undefined
}

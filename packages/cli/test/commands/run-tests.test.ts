import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runTests } from '../../src/commands/deploy/run-tests.ts'
import { memoryIo } from '../support/memory-io.ts'

/** Runs a program that leaves a file, in a folder of its own. */
function run(signal: AbortSignal, script: string): { ended: Promise<number | undefined>; left: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-run-tests-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const left = join(folder, 'left')
  const global = { json: true, quiet: true, verbose: false, color: false, config: undefined, yes: false }
  const { io } = memoryIo({ cwd: folder, signal })
  const context = { global, io, note: () => {}, signal }
  const ended = runTests(context, { path: join(folder, 'sotto.yaml') }, [process.execPath, '-e', script], {
    LEFT: left,
  })
  return { ended, left }
}

const LEAVE = "require('node:fs').writeFileSync(process.env.LEFT, '')"

it('tests of a command that was interrupted already are not begun', async () => {
  const { ended, left } = run(AbortSignal.abort(), LEAVE)
  await expect(ended).rejects.toMatchObject({ name: 'AbortError' })
  expect(existsSync(left)).toBe(false)
})

it('tests end with the command, and else with the exit code of their program', async () => {
  const interrupt = new AbortController()
  const { ended } = run(interrupt.signal, 'setInterval(() => {}, 1000)')
  interrupt.abort()
  expect(await ended).toBeUndefined()
  const other = run(new AbortController().signal, `${LEAVE}; process.exit(3)`)
  expect(await other.ended).toBe(3)
  expect(existsSync(other.left)).toBe(true)
})

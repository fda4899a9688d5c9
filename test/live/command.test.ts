import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { runCli } from '../../packages/cli/src/framework/index.ts'
import { memoryIo, type RunResult, runInMemory } from '../../packages/cli/test/support/memory-io.ts'
import { type LiveTown, openLiveTown } from './town.ts'

const WORD_BYTES = 8000

let town: LiveTown
let cwd: string
const recordings: Uint8Array[] = []
beforeAll(async () => {
  town = await openLiveTown(async function* words(file) {
    const parts: Uint8Array[] = []
    let bytes = 0
    let said = 0
    for await (const part of file) {
      parts.push(part)
      bytes += part.length
      for (; said < Math.floor(bytes / WORD_BYTES); said++) yield { type: 'delta', text: `${said} ` }
    }
    recordings.push(Buffer.concat(parts))
    const usage = { inputTokens: 0, outputTokens: 0 }
    yield { type: 'done', text: '', language: 'en', durationSeconds: 1, usage }
  })
  cwd = mkdtempSync(join(tmpdir(), 'sotto-live-'))
  writeFileSync(join(cwd, 'policy.json'), JSON.stringify(town.world.policy))
})
afterAll(async () => {
  await town?.close()
  rmSync(cwd, { recursive: true })
})

const world = (stdinStream?: PassThrough) => ({
  cwd,
  fetch: globalThis.fetch,
  nowMs: Date.now,
  env: {
    SOTTO_HOST: town.relay.url,
    SOTTO_POLICY: join(cwd, 'policy.json'),
    SOTTO_CONFIG_DIR: join(cwd, 'config'),
  },
  ...(stdinStream && { stdinStream }),
})

it('sotto transcribe --live prints words while its standard input goes on', async () => {
  const stdin = new PassThrough()
  const { io, stdout, stderr } = memoryIo(world(stdin))
  const running = runCli(['transcribe', '--live', '--rate', '16000', '-q', '-'], io, {
    commands,
    version: '1',
  })
  for (const heard of ['0 ', '0 1 ', '0 1 2 ']) {
    stdin.write(new Uint8Array(WORD_BYTES + 4096))
    await expect.poll(() => stdout().startsWith(heard), { timeout: 20_000 }).toBe(true)
  }
  stdin.end()
  expect([await running, stderr().match(/^error/m)]).toEqual([0, null])
  expect(stdout()).toBe('0 1 2 3 \n')
  expect(Buffer.from(recordings.at(-1)!.subarray(0, 4)).toString()).toBe('RIFF')
  expect(recordings.at(-1)).toHaveLength(44 + 3 * (WORD_BYTES + 4096))
})

it.each([
  [['--live', '--format', 'srt', '-'], '--live prints plain text'],
  [['--rate', '16000', '-'], '--rate is for --live'],
  [['--live', '--rate', '5', '-'], '--rate takes a whole number from 1000 to 192000'],
])('refuses %j before anything is sent', async (argv, message) => {
  const result: RunResult = await runInMemory(commands, ['transcribe', ...argv], world())
  expect(result.code).toBe(2)
  expect(result.stderr).toContain(message)
})

it('a service that refuses is told as for any recording', async () => {
  const stdin = new PassThrough()
  stdin.end(new Uint8Array(10))
  const argv = ['transcribe', '--live', '-q', '-m', 'nobody', '-']
  const result = await runInMemory(commands, argv, world(stdin))
  expect(result.code).not.toBe(0)
  expect(result.stderr).toContain('no model named')
})

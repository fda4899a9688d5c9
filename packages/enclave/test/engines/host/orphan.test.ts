import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const HOST = fileURLToPath(new URL('fixtures/doomed-host.ts', import.meta.url))

/** Alive and not a zombie that merely waits for somebody to collect it. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

it('leaves no engine behind when the host is killed, not even one that computes', async (context) => {
  const host = spawn(process.execPath, ['--no-warnings', HOST], { stdio: ['ignore', 'pipe', 'ignore'] })
  const pids = await new Promise<number[] | undefined>((resolve) => {
    host.stdout.once('data', (chunk: Buffer) => resolve(JSON.parse(chunk.toString())))
    host.once('exit', () => resolve(undefined))
  })
  if (!pids) return context.skip('setpriv(1) is not installed: a computing engine outlives its host here')
  expect(pids.map((pid) => isRunning(pid))).toEqual([true, true])
  host.kill('SIGKILL')
  const deadline = performance.now() + 5000
  while (pids.some((pid) => isRunning(pid)) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(pids.filter((pid) => isRunning(pid))).toEqual([])
})

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EngineHost } from '../../../src/engines/host/index.ts'
import { openRealHost } from '../real-engines.ts'
import { codeOf, manifestOf } from './fake-model.ts'

let host: EngineHost
beforeAll(async () => {
  host = await openRealHost()
})
afterAll(() => host.close())

const childrenOf = (pid: number | string): string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean)
/** What a process has loaded; nothing where it has just ended. */
const mapsOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'latin1')
  } catch {
    return ''
  }
}

it('an engine has its code before the first byte of its model is there', async () => {
  const whole = new Map([['weights.bin', new TextEncoder().encode('no graph')]])
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let isAsked = false
  async function* late(): AsyncGenerator<Uint8Array> {
    isAsked = true
    await released
    yield* whole.values()
  }
  const before = childrenOf(process.pid)
  const starting = codeOf(
    host.start({
      manifest: manifestOf(whole, { engine: 'onnx', task: 'tensors' }),
      files: new Map([['weights.bin', late()]]),
    }),
  )
  const hasRuntime = (): boolean =>
    childrenOf(process.pid)
      .filter((pid) => !before.includes(pid))
      .some((pid) => mapsOf(pid).includes('onnxruntime'))
  const deadline = Date.now() + 30_000
  while (!hasRuntime() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
  expect([isAsked, hasRuntime()]).toEqual([true, true])
  release()
  // And it is told to load only now.
  expect(await starting).toBe('ENGINE_MODEL_INVALID')
})

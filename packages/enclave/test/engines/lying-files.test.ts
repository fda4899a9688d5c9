import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { ELEMENT, floats, onnx, port, tensor } from '../api/kserve/graphs.ts'
import type { EngineHost, EngineProcess } from '../../src/engines/host/index.ts'
import { codeOf } from './host/fake-model.ts'
import { node, varint } from './onnx/build-model.ts'
import { collect, openRealHost, startWeights } from './real-engines.ts'
import { testdata, testdataMissing } from './testdata.ts'

const missing = testdataMissing()
const GGUF = { engine: 'gguf', task: 'text-generation' } as const
const ONNX = { engine: 'onnx', task: 'tensors' } as const
/** Less than any of the files below says it holds. */
const MEMORY = 1.5 * 1024 ** 3

const honest = (): Buffer => Buffer.from(testdata('llm/stories260K-f32.gguf'))

/** Where a text of the metadata or the name of a tensor begins, behind its length. */
function after(file: Buffer, name: string): number {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(name.length))
  const at = file.indexOf(Buffer.concat([length, Buffer.from(name)]))
  expect(at).toBeGreaterThan(0)
  return at + 8 + name.length
}

function changed(change: (file: Buffer) => unknown): () => Buffer {
  return () => {
    const file = honest()
    change(file)
    return file
  }
}

const HUGE = 2n ** 60n

/**
 * GGUF version 3: magic, version, count of tensors at 8. What else its header may lie about is in
 * `gguf/header.malformed.test.ts`; these reach the loader, but for the first, which without that check would keep it busy.
 */
const ggufs: Readonly<Record<string, () => Uint8Array>> = {
  'more tensors than any file holds': changed((file) => file.writeBigUInt64LE(HUGE, 8)),
  'a tensor larger than memory': changed((file) =>
    file.writeBigUInt64LE(2n ** 40n, after(file, 'token_embd.weight') + 4),
  ),
  'a tensor of no type': changed((file) =>
    file.writeUInt32LE(9999, after(file, 'token_embd.weight') + 4 + 16),
  ),
  'half of what it says': () => honest().subarray(0, honest().length / 2),
}

const weights = (dims: number[], bytes: Uint8Array): Uint8Array =>
  onnx({
    inputs: [port('x', ELEMENT.float, [undefined])],
    outputs: [port('y', ELEMENT.float, [undefined])],
    initializers: [tensor('w', ELEMENT.float, dims, bytes)],
    nodes: [node('Add', ['x', 'w'], ['y'])],
  })

const onnxs: Readonly<Record<string, () => Uint8Array>> = {
  'weights of 4 TB in four bytes': () => weights([1_000_000, 1_000_000], new Uint8Array(4)),
  'a size that overflows': () => weights([2 ** 32, 2 ** 32, 16], new Uint8Array(4)),
  'more bytes than its shape': () => weights([1], new Uint8Array(4096)),
  'a negative size': () =>
    onnx({
      inputs: [port('x', ELEMENT.float, [undefined])],
      outputs: [port('y', ELEMENT.float, [undefined])],
      // -2, as protocol buffers write it.
      initializers: [[8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, ...floats('w', [], [1])]],
      nodes: [node('Add', ['x', 'w'], ['y'])],
    }),
  'a graph longer than the file': () => Uint8Array.from([8, 8, 0x3a, ...varint(2 ** 40), 1, 2, 3]),
}

const children = (): string[] =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)

describe.skipIf(missing !== undefined)(claim('T19', 'a model file that lies about sizes'), () => {
  let host: EngineHost
  let neighbour: EngineProcess
  let alone: string
  let before: string[]
  const ask = (): Promise<string> =>
    collect(neighbour.generate({ prompt: 'Once', sampling: { temperature: 0 }, maxTokens: 6 })).then(
      ({ text }) => text,
    )
  beforeAll(async () => {
    host = await openRealHost()
    neighbour = await startWeights(host, GGUF, honest())
    alone = await ask()
    before = children()
  }, 60_000)
  afterAll(() => host?.close())

  const cases = [
    ...Object.entries(ggufs).map(([what, file]) => ['GGUF', what, GGUF, file] as const),
    ...Object.entries(onnxs).map(([what, file]) => ['ONNX', what, ONNX, file] as const),
  ]

  it.each(cases)(
    '%s with %s is refused, and nobody else notices',
    { timeout: 60_000 },
    async (_kind, _what, model, file) => {
      const { pid } = neighbour
      const started = startWeights(host, model, file(), { memoryBytes: MEMORY })
      const [code, beside] = await Promise.all([codeOf(started), ask()])
      expect(['ENGINE_MODEL_INVALID', 'ENGINE_LOAD_FAILED']).toContain(code)
      expect([beside, neighbour.pid, neighbour.counters.restarts]).toEqual([alone, pid, 0])
      // Nothing of it is left behind.
      await expect.poll(children).toEqual(before)
    },
  )
})

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineHost, EngineProcess } from '../../../src/engines/host/index.ts'
import type { EngineName, ModelTask } from '../../../src/engines/index.ts'
import { modelDigest } from '../../../src/engines/manifest.ts'
import { fixtureModel } from '../fixtures/model.ts'
import { fixtureJson } from '../fixtures/read.ts'
import { samplesOf } from '../fixtures/tones.ts'
import { collect, openRealHost } from '../real-engines.ts'

let host: EngineHost

beforeAll(async () => {
  host = await openRealHost()
})
afterAll(() => host.close())

/** Starts a fixture model in a process of its own, from its files in memory. */
async function start(folder: string, engine: EngineName, task: ModelTask): Promise<EngineProcess> {
  const { files } = fixtureModel(folder, engine, task)
  const bytes = new Map([...files.values()].map((file) => [file.name, file.bytes()]))
  const entries = [...files.values()].map(({ name, role, size }) => ({
    name,
    role,
    size,
    sha256: createHash('sha256').update(bytes.get(name)!).digest('hex'),
  }))
  const digest = modelDigest({ engine, task, files: entries })
  const manifest = { format: 'sotto-model/1', id: folder, engine, task, files: entries, digest } as const
  return host.start({ manifest, files: bytes, threads: 1 })
}

describe('the ONNX engines in processes of their own', () => {
  it('transcribes', async () => {
    const engine = await start('whisper', 'whisper', 'transcription')
    const samples = samplesOf({
      seconds: 2.98,
      seed: 22,
      said: [{ start: 0.4, lang: 'de', words: [4, 5, 6, 7] }],
    })
    async function* audio(): AsyncGenerator<Float32Array> {
      yield samples.subarray(0, 30_000)
      yield samples.subarray(30_000)
    }
    const events = []
    for await (const event of engine.transcribe(audio(), { logprobs: true })) events.push(event)
    expect(events.map(({ type }) => type)).toEqual(['delta', 'segment', 'done'])
    expect(events.at(-1)).toMatchObject({
      text: 'vier fünf sechs sieben',
      language: 'de',
      durationSeconds: 2.98,
    })
    await engine.close()
  })

  it('summarises', async () => {
    const engine = await start('t5', 'seq2seq', 'summarization')
    const { summary } = fixtureJson<{ summary: { text: string; decoded: string }[] }>('t5', 'expected.json')
    const { text } = await collect(engine.summarize({ text: summary[0]!.text }))
    expect(text).toBe(summary[0]!.decoded)
    await engine.close()
  })

  it('embeds', async () => {
    const engine = await start('bert', 'embedding', 'embedding')
    const { cases } = fixtureJson<{ cases: { text: string; vector: number[] }[] }>('bert', 'expected.json')
    const { vectors } = await engine.embed({ inputs: cases.map(({ text }) => text) })
    for (const [i, { vector }] of cases.entries())
      for (const [k, value] of vector.entries()) expect(vectors[i]![k]).toBeCloseTo(value, 4)
    await engine.close()
  })

  it('answers with tensors', async () => {
    const { files } = fixtureModel('wav2vec2', 'onnx', 'tensors')
    expect(files.has('model.onnx')).toBe(true)
    const engine = await start('wav2vec2', 'onnx', 'tensors')
    const data = new Uint8Array(new Float32Array(16_000).fill(0.1).buffer)
    const inputs = [{ name: 'input_values', datatype: 'FP32', shape: [1, 16_000], data } as const]
    const [logits] = await engine.infer({ inputs })
    expect(logits).toMatchObject({ name: 'logits', datatype: 'FP32', shape: [1, 49, 32] })
    await engine.close()
  })
})

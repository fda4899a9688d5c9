import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FinetuneTask } from '@sotto/protocol/contract'
import { parseMetrics } from '@sotto/protocol/training'
import { describe, expect, it } from 'vitest'
import { makeEmptyDirectory } from '../../../src/sandbox/index.ts'
import { finetuneInProcess } from '../../../src/train/process/index.ts'
import { testdata, testdataMissing } from '../../engines/testdata.ts'
import { ramFile } from '../../room/sql/engine.ts'
import { openReference } from '../reference.ts'
import { HELD, LETTERS, writeFiles } from '../stories.ts'
import { textsOf, TUNING } from '../tunings.ts'
import { SECRET } from './tasks.ts'

const missing = testdataMissing()
const ENGINE = {
  entry: fileURLToPath(new URL('../../../src/train/process/worker.ts', import.meta.url)),
  emptyDirectory: makeEmptyDirectory(),
}
/** Every text is one window. */
const TOKENS = 128
const TASK: FinetuneTask = {
  ...TUNING,
  lora: { rank: 4, alphaMilli: 8000, targets: ['attn_q', 'attn_v', 'ffn_down'] },
  texts: ['letters'],
  tokens: TOKENS,
  validation: { texts: ['held'] },
  descent: {
    ...TUNING.descent,
    steps: 16,
    batch: 6,
    schedule: { kind: 'linear', rateNanos: 10_000_000, warmupSteps: 2, floorMicros: 100_000 },
  },
  metrics: ['loss'],
}

describe.skipIf(missing !== undefined)('a story model that was tuned in a process', () => {
  it('is told by llama.cpp with the very losses that its figures say, with its adapter and without', async () => {
    const weights = testdata('llm/stories260K-f32.gguf')
    const fds: number[] = []
    const opened = (bytes: Uint8Array): { fd: number; bytes: number } => {
      fds.push(ramFile(bytes))
      return { fd: fds.at(-1)!, bytes: bytes.length }
    }
    const texts = Object.entries({ letters: LETTERS, held: HELD }).map(([name, all]) => {
      const { items, bytes } = textsOf(name, all)
      return { name, items, ...opened(bytes) }
    })
    const { parts } = await finetuneInProcess(ENGINE, {
      task: TASK,
      texts,
      model: [{ name: 'story.gguf', role: 'weights', ...opened(weights) }],
      parts: new Map([
        ['model', 1_000_000],
        ['metrics', 1000],
      ]),
      threads: 1,
      secret: SECRET(),
    })
    fds.forEach((fd) => closeSync(fd))
    const [figure] = parseMetrics(parts.get('metrics')!).metrics
    expect(figure!.valueMicros).toBeLessThan(figure!.baseMicros! / 1.5)
    const pathOf = writeFiles({ 'story.gguf': weights, 'adapter.gguf': parts.get('model')! })
    const reference = await openReference(pathOf('story.gguf'))
    const { bos, eos } = reference.model.tokens
    const contexts = HELD.map((text) => [bos!, ...reference.model.tokenize(text, false), eos!])
    expect(Math.max(...contexts.map(({ length }) => length))).toBeLessThanOrEqual(TOKENS + 1)
    for (const [micros, adapter] of [
      [figure!.baseMicros!, undefined],
      [figure!.valueMicros, pathOf('adapter.gguf')],
    ] as const) {
      let [total, told] = [0, 0]
      for (const context of contexts) {
        total += (await reference.loss(context, adapter)) * (context.length - 1)
        told += context.length - 1
      }
      expect(Math.abs((total / told) * 1e6 - micros) / micros).toBeLessThan(2e-5)
    }
    await reference.close()
  })
})

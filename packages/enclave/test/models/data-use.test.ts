import { expect, test } from 'vitest'
import type { DataUse } from '@sotto/protocol/data-use'
import { claim } from '../../../../test/claims.ts'
import type { ServedModel } from '../../src/api/index.ts'
import { limitToDataUse } from '../../src/models/index.ts'

async function* nothing(): AsyncGenerator<never> {}
const MODEL: ServedModel = {
  id: 'm',
  task: 'transcription',
  digest: 'ab'.repeat(32),
  loadedAt: 0,
  transcribe: nothing,
  generate: nothing,
  summarize: nothing,
  embed: () => Promise.resolve({ vectors: [], usage: { inputTokens: 0, outputTokens: 0 } }),
}
const use = (...tasks: DataUse['tasks']): DataUse => ({ tasks, retentionSeconds: 0, training: false })
const operations = (model: ServedModel): string[] =>
  ['transcribe', 'generate', 'summarize', 'embed'].filter((name) => name in model)
const SIGNAL = new AbortController().signal

test(claim('T20', 'a model does only what the declared data use covers'), () => {
  expect(operations(limitToDataUse(MODEL, use('embedding')))).toEqual(['embed'])
  expect(operations(limitToDataUse(MODEL, use('text-generation', 'summarization')))).toEqual([
    'generate',
    'summarize',
  ])
  expect(operations(limitToDataUse(MODEL, use('translation')))).toEqual(['transcribe'])
})

test('a transcript and a translation are two uses of one operation', () => {
  const { transcribe } = limitToDataUse(MODEL, use('transcription'))
  expect(() => transcribe!(new Blob().stream(), { task: 'transcribe' }, SIGNAL)).not.toThrow()
  expect(() => transcribe!(new Blob().stream(), { task: 'translate' }, SIGNAL)).toThrowError(
    expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }) as Error,
  )
})

test('a model of which nothing is left refuses the start; without a declaration all is left', () => {
  expect(() => limitToDataUse({ ...MODEL }, use('tensors'))).toThrowError(
    expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error,
  )
  expect(limitToDataUse(MODEL, undefined)).toBe(MODEL)
})

import type { InferTask } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import type { EngineProcess } from '../../../src/engines/index.ts'
import { answererOf } from '../../../src/room/steps/infer-actions.ts'

const TASK: InferTask = {
  kind: 'infer',
  action: 'classify',
  model: 'judge',
  digest: 'ab'.repeat(32),
  settings: {},
  labels: ['good', 'bad'],
}

/** A model that says this, whatever its grammar. */
function engine(said: string): EngineProcess {
  return {
    info: { operations: ['generate'] },
    manifest: { task: 'generation', engine: 'gguf' },
    async *generate() {
      yield { type: 'delta', text: said }
      yield { type: 'done' }
    },
  } as unknown as EngineProcess
}

describe('a label for a text', () => {
  const classify = (said: string): Promise<string> =>
    answererOf(engine(said), TASK)('some text', new AbortController().signal)

  it('is one of the contract', async () => {
    expect(await classify('{"label":"bad"}')).toBe('bad')
  })

  it.each(['', '{"label":"go', 'null', '1', '{}', '{"label":1}', '{"label":"worse"}', '{"label":["bad"]}'])(
    'is none where the model says %s',
    async (said) => {
      await expect(classify(said)).rejects.toMatchObject({ code: 'ROOM_TASK' })
    },
  )
})

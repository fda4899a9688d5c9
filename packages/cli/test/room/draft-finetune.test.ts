import { type FinetuneTask, provenEpsilonMicros } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { describeContract } from '../../src/room/describe/index.ts'
import { changedLeaves } from './changed-leaves.ts'
import { contractIn } from './drafts.ts'
import { finetuningDraft } from './training-drafts.ts'

function taskOf(finetune: Record<string, unknown> = {}): FinetuneTask {
  const [transform] = contractIn(finetuningDraft(finetune)).contract.transforms
  if (transform?.task.kind !== 'finetune') throw new Error('no fine-tuning')
  return transform.task
}

const PRIVATE = { noise: 1.5, contributors: 5000, max_rows_per_contributor: 2 }

describe('a fine-tuning of a draft', () => {
  it('has sensible settings where the draft has none, and all texts that it reads', () => {
    expect(taskOf()).toEqual({
      kind: 'finetune',
      model: 'llama',
      digest: '11'.repeat(32),
      lora: { rank: 8, alphaMilli: 16_000, targets: ['attn_q', 'attn_v'] },
      texts: ['letters', 'replies'],
      tokens: 128,
      descent: {
        steps: 1000,
        batch: 8,
        optimiser: { kind: 'adamw', beta1Micros: 900_000, beta2Micros: 999_000, weightDecayMicros: 0 },
        schedule: { kind: 'cosine', rateNanos: 200_000, warmupSteps: 0, floorMicros: 0 },
      },
      metrics: [],
      show: 'steps',
      limits: { memoryBytes: 2 ** 32, seconds: 3600 },
    } satisfies FinetuneTask)
  })

  it('has what the draft says', () => {
    const task = taskOf({
      rank: 4,
      alpha: 2.5,
      targets: ['ffn_up'],
      tokens: 64,
      validation: ['replies'],
      batch: 2,
      learning_rate: 0.001,
    })
    expect(task).toMatchObject({
      lora: { rank: 4, alphaMilli: 2500, targets: ['ffn_up'] },
      texts: ['letters'],
      validation: { texts: ['replies'] },
      tokens: 64,
      metrics: ['loss'],
    })
    expect(task.descent).toMatchObject({ batch: 2, schedule: { rateNanos: 1_000_000 } })
  })

  it('with a guarantee is paid for by the texts, and not by the model', () => {
    const { contract } = contractIn(finetuningDraft({ privacy: PRIVATE, validation: 0.1 }))
    const task = taskOf({ privacy: PRIVATE, validation: 0.1 })
    expect(task.metrics).toEqual([])
    expect(task.privacy!.sampleRateNanos).toBe(Math.round((8 * 1e9) / 9000))
    const { epsilonMicros } = task.privacy!
    expect(epsilonMicros).toBe(provenEpsilonMicros(task.privacy!, task.descent) + 1)
    const [letters, , llama] = contract.inputs
    expect(letters!.uses).toEqual([
      { transform: 'tune', runs: 1, epsilonMicros, deltaTrillionths: 10_000_000 },
    ])
    expect(llama!.uses).toEqual([{ transform: 'tune', runs: 100 }])
  })

  it.each<[what: string, finetune: Record<string, unknown>, why: RegExp]>([
    ['no weights', { digest: undefined }, /finetune: expected which weights/],
    ['weights twice', { path: 'llama.gguf' }, /finetune: expected which weights/],
    ['a target that there is not', { targets: ['lm_head'] }, /finetune\.targets\[0\]/],
    ['no rank', { rank: 0 }, /finetune\.rank/],
    ['an alpha of four places', { alpha: '0.0001' }, /finetune\.alpha: expected.*3 places/],
    ['no text', { validation: ['letters', 'replies'] }, /finetune\.texts: no text is left/],
    ['the loss of protected texts', { privacy: PRIVATE, show: 'loss' }, /texts that are protected/],
    ['a member of another task', { features: {} }, /finetune\.features/],
  ])('with %s is refused by the name of the member', (_what, finetune, why) => {
    let refusal: unknown
    try {
      contractIn(finetuningDraft(finetune))
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ code: 'ROOM_DRAFT' })
    expect((refusal as Error).message).toMatch(why)
  })
})

describe('a fine-tuning in words', () => {
  it.each<[what: string, finetune: Record<string, unknown>]>([
    ['with a guarantee', { privacy: PRIVATE, validation: 0.1 }],
    [
      'that stops early',
      { validation: ['replies'], stop_early: { every: 10, patience: 2 }, optimiser: 'sgd' },
    ],
  ])('changes with each of its members: %s', (_what, finetune) => {
    const { contract } = contractIn(finetuningDraft(finetune))
    const words = (one: typeof contract): string =>
      describeContract({ contract: one, digest: '0' }).join('\n')
    const text = words(contract)
    const changed = changedLeaves(contract)
    expect(changed.length).toBeGreaterThan(40)
    expect(changed.filter(({ value }) => words(value) === text).map(({ path }) => path)).toEqual([])
  })

  it('says what is protected', () => {
    const { contract } = contractIn(finetuningDraft({ privacy: { ...PRIVATE, epsilon: 3 } }))
    const text = describeContract({ contract, digest: '0' }).join('\n')
    expect(text).toContain('each text of letters (nothing says whose it is) is protected with epsilon 3')
    expect(text).toContain('tensors (safetensors) of tune')
  })
})

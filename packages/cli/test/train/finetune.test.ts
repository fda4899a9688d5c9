import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FinetuneTask } from '@sotto/protocol/contract'
import { encodeMetrics } from '@sotto/protocol/training'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createParties, current, type Parties } from '../room/parties.ts'

vi.mock('../../src/service/open.ts', async (original) => ({
  ...(await original<object>()),
  openService: async () => current.world!.sotto(),
}))

const NAME = 'sotto-tiny-story-en'
const MODEL = readFileSync(new URL(`../../../../models/${NAME}/${NAME}.gguf`, import.meta.url))
const FIGURES = encodeMetrics({
  v: 1,
  steps: 20,
  metrics: [{ metric: 'loss', split: 'validation', valueMicros: 2_500_000, baseMicros: 4_000_000 }],
})

let parties: Parties
beforeEach(async () => {
  parties = await createParties()
  const { bank, world } = parties
  bank.write('base.gguf', MODEL)
  bank.write('one.txt', 'A letter.')
  bank.write('two.txt', 'Another letter.')
  // Of every output the same: it is read as figures, and kept as an adapter.
  world.result = FIGURES
})
afterEach(() => parties.clear())

const LINE = 'finetune --model base.gguf --data one.txt --data two.txt'
const taskIn = (): FinetuneTask =>
  [...parties.world.held.values()].at(-1)!.named.contract.transforms[0]!.task as FinetuneTask

describe('sotto finetune', () => {
  it('seals model and texts, has a room tune, and leaves an adapter that is served beside its base', async () => {
    const { bank } = parties
    const { code, stdout, stderr } = await bank.sotto(`${LINE} --steps 20 --rank 4`)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^adapter {2}\S+\.gguf\nloss {5}4 before, 2\.5 after,/)
    expect(stderr).toContain('sotto models seal base.gguf --adapter ')
    const file = /adapter {2}(\S+)/.exec(stdout)![1]!
    expect(Uint8Array.from(readFileSync(file))).toEqual(FIGURES)
    expect(taskIn()).toMatchObject({
      kind: 'finetune',
      lora: { rank: 4, targets: ['attn_q', 'attn_v'] },
      texts: ['texts'],
      descent: { steps: 20 },
      validation: { splitNanos: 100_000_000 },
      show: 'loss',
    })
  })

  it('goes on in the same room, with another contract', async () => {
    const { bank, world } = parties
    const first = await bank.json<{ room: string; contract: string }>(LINE)
    const second = await bank.json<{ room: string; contract: string }>(LINE)
    expect(second.room).toBe(first.room)
    expect(second.contract).not.toBe(first.contract)
    expect(world.held.size).toBe(2)
  })

  it('with a guarantee measures nothing, and pays for each text', async () => {
    const answer = await parties.bank.json<object>(`${LINE} --epsilon 8 --contributors 2000`)
    expect(answer).not.toHaveProperty('after')
    expect(taskIn()).toMatchObject({ metrics: [], show: 'steps', privacy: { deltaTrillionths: 10_000_000 } })
    expect(taskIn().privacy!.epsilonMicros).toBeLessThanOrEqual(8_000_000)
  })

  it.each([
    ['no model', 'finetune --data one.txt', 'say what to tune'],
    ['no texts', 'finetune --model base.gguf', 'say what to tune'],
    ['an epsilon of nobody', `${LINE} --epsilon 8`, '--contributors'],
    ['a delta alone', `${LINE} --delta 1e-6`, '--contributors'],
    ['a module that there is not', `${LINE} --targets lm_head`, 'targets'],
    ['a file that is not there', 'finetune --model none.gguf --data one.txt', 'none.gguf'],
  ])('without %s is refused, and asks no room', async (_, line, said) => {
    const { code, stderr } = await parties.bank.sotto(line)
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)])
    expect(parties.world.asked.filter((one) => one.startsWith('offer'))).toEqual([])
    expect(existsSync(join(parties.bank.cwd, 'tune-adapter'))).toBe(false)
  })
})

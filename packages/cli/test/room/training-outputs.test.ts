import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { outputDigest } from '@sotto/protocol/contract'
import { parseModelOrigin } from '@sotto/protocol/training'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { verifySealedOutput } from '../../../protocol/src/contract/index.ts'
import { agree, createParties, current, meet, type Parties } from './parties.ts'
import { trainingDraft } from './training-drafts.ts'

vi.mock('../../src/service/open.ts', async (original) => ({
  ...(await original<object>()),
  openService: async () => current.world!.sotto(),
}))

/** What is printed of a run. */
interface Told {
  runs: { run: string; proof: string; outputs: { output: string; file: string; origin?: string }[] }[]
}

let parties: Parties
beforeEach(async () => {
  parties = await createParties()
  await meet(parties)
})
afterEach(() => parties.clear())

/** A training that is done. @returns its run */
async function train(): Promise<string> {
  const { bank, retailer } = parties
  bank.write('draft.yaml', trainingDraft({}))
  const { contract } = await bank.json<{ contract: string }>('room propose draft.yaml')
  for (const desk of [bank, retailer]) await desk.json(`room vote ${contract} yes --yes`)
  const table = 'customer,amount,rate,kind,fraud\nada,12,0.5,card,true\n'
  for (const [desk, input] of [
    [bank, 'payments'],
    [retailer, 'returns'],
  ] as const) {
    desk.write(`${input}.csv`, table)
    await desk.json(`room data add ${input} ${input}.csv`)
  }
  const { run } = await bank.json<{ run: string }>('room run fraud --once')
  await retailer.json(`room vote ${run} yes --yes`)
  await bank.json(`room run --go ${run}`)
  return run
}

describe('what a training made', () => {
  it('has its origin beside it, which finds it among what the run let out', async () => {
    const run = await train()
    const { runs } = await parties.retailer.json<Told>('room outputs')
    const [model] = runs[0]!.outputs
    expect(model).toMatchObject({ output: 'model', origin: `${model!.file}.origin.json` })
    expect(statSync(model!.origin!).mode & 0o777).toBe(0o600)
    const origin = parseModelOrigin(readFileSync(model!.origin!))
    const { offer } = origin.offered
    const [envelope] = parties.world.running.get(run)!.view.outputs
    const stated = verifySealedOutput(envelope!, { run, receiptKey: offer.receiptKey })
    expect(outputDigest(fromBase64Url(origin.salt), [readFileSync(model!.file)])).toBe(stated.digest)
    // The contract, and who else receives what, are nobody else's business.
    const text = readFileSync(model!.origin!, 'utf8')
    expect(text).not.toMatch(/"contract":"\{|sealTo|"outputs"|retailer/)
  })

  it('keeps the origin that was there: it says when the run was verified first', async () => {
    await train()
    const first = await parties.retailer.json<Told>('room outputs')
    const file = first.runs[0]!.outputs[0]!.origin!
    const before = readFileSync(file)
    const { now } = parties.world
    parties.world.now = () => now() + 60
    expect(await parties.retailer.json<Told>('room outputs')).toMatchObject({
      runs: [{ outputs: [{ origin: file }] }],
    })
    expect(readFileSync(file)).toEqual(before)
    writeFileSync(file, 'damaged')
    await parties.retailer.json('room outputs')
    expect(readFileSync(file, 'utf8')).toBe('damaged')
  })

  it('is told where its origin is', async () => {
    const run = await train()
    const folder = join('offers-outputs', run.slice(0, 12))
    expect((await parties.retailer.sotto('room outputs')).stderr).toContain(join(folder, 'model.origin.json'))
  })
})

it('the result of a query has no origin', async () => {
  await agree(parties)
  const { run } = await parties.bank.json<{ run: string }>('room run count --set least=3 --once')
  await parties.retailer.json(`room vote ${run} yes --yes`)
  await parties.bank.json(`room run --go ${run}`)
  const { runs } = await parties.retailer.json<Told>('room outputs')
  expect(runs[0]!.outputs).toHaveLength(1)
  expect(runs[0]!.outputs[0]).not.toHaveProperty('origin')
})

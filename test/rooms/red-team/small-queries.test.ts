import { type Charge, chargesOf, planRun, type Contract, remaining } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { beginRun, type HeldContract, withoutOver } from '../../../packages/kms/src/contracts/index.ts'
import type { JudgedRun } from '../../../packages/kms/src/contracts/run.ts'
import { type Run, RoomWorld } from '../../../packages/kms/test/contracts/room-world.ts'

const MANY = 10_000

/** A contract whose queries add noise: of each input so much epsilon for so many runs. */
function noisy(
  contract: Contract,
  { epsilonMicros, runs, each }: { epsilonMicros: number; runs: number; each: number },
): Contract {
  const uses = [{ transform: 'overlap', runs, epsilonMicros }]
  const [transform] = contract.transforms
  const { task } = transform!
  if (task.kind !== 'sql') throw new TypeError('no query')
  const noise = { epsilonMicros: each, maxRowsPerContributor: 1, clip: { min: 0, max: 100 } }
  return {
    ...contract,
    inputs: contract.inputs.map((input) => ({ ...input, uses })),
    transforms: [{ ...transform!, task: { ...task, noise } }],
  }
}

describe('small queries that add up', () => {
  it(`end at the budget after ${MANY} runs, each of which costs almost nothing, and not one later`, async () => {
    const world = await RoomWorld.open()
    world.use(noisy(world.contract, { epsilonMicros: MANY, runs: 2 * MANY, each: 1 }))
    await world.prepared()
    const plain = await world.offer()
    let held = world.kms.view.state.contracts.get(world.digest)!
    for (let run = 0; run < MANY; run++) {
      held = began(held, plain, run)
      if (run % 1000 === 999) held = withoutExpired(world, held)
    }
    expect(remaining(held.contract, held.ledger)).toEqual(
      ['accounts', 'purchases'].map((input) => ({
        input,
        transform: 'overlap',
        runs: MANY,
        epsilonMicros: 0,
      })),
    )
    expect(held.runs).toBe(MANY)
    for (let run = MANY; run < MANY + 10; run++)
      expect(() => began(held, plain, run)).toThrow(expect.objectContaining({ code: 'CONTRACT_BUDGET' }))
  })

  it('end at exactly the last millionth: what is left for less than one run is left for none', async () => {
    const world = await RoomWorld.open()
    world.use(noisy(world.contract, { epsilonMicros: 299_999, runs: 100, each: 100_000 }))
    await world.prepared()
    for (let run = 0; run < 2; run++) await world.run(await world.offer())
    expect((await world.show('bank')).left[0]).toMatchObject({ runs: 98, epsilonMicros: 99_999 })
    expect(await world.code(world.asking(await world.offer()))).toBe('CONTRACT_BUDGET')
    expect((await world.show('bank')).left[0]).toMatchObject({ runs: 98, epsilonMicros: 99_999 })
    expect(world.refused.map(([code]) => code)).toEqual(['CONTRACT_BUDGET'])
  })

  it('of which many ask at once end there too, and a start of the KMS gives nothing back', async () => {
    const world = await RoomWorld.open()
    world.use(noisy(world.contract, { epsilonMicros: 300_000, runs: 100, each: 100_000 }))
    await world.prepared()
    const runs = await Promise.all(Array.from({ length: 12 }, () => world.offer()))
    const codes = await Promise.all(runs.map((run) => world.code(world.asking(run))))
    expect(codes.filter((code) => code === 'none')).toHaveLength(3)
    expect(codes.filter((code) => code === 'CONTRACT_BUDGET')).toHaveLength(9)
    await world.start()
    expect((await world.show('shop')).left[0]).toMatchObject({ runs: 97, epsilonMicros: 0 })
    expect(await world.code(world.asking(await world.offer()))).toBe('CONTRACT_BUDGET')
  })
})

/** The KMS's own bookkeeping of one more run, without the evidence that it judges before. */
function began(held: HeldContract, { offer, request }: Run, nth: number): HeldContract {
  const run = nth.toString(16).padStart(64, '0')
  const plan = planRun(held.contract, offer.transform)
  const judged = { run, receipt: {}, plan } as unknown as JudgedRun
  const after = beginRun(held, judged, { call: 'run', offer, request, consents: [] }, signed)
  expectCharged(chargesOf(held.contract, offer.transform))
  return after.held
}

function signed(_type: string, document: object): string {
  expectCharged((document as { charges: Charge[] }).charges)
  return 'receipt'
}

function expectCharged(charges: readonly Charge[]): void {
  if (charges.length === 2 && charges.every(({ epsilonMicros }) => epsilonMicros === 1)) return
  throw new Error(`charged ${JSON.stringify(charges)}`)
}

/** Runs whose offers are over make room for others; what they cost stays in the ledger. */
function withoutExpired(world: RoomWorld, held: HeldContract): HeldContract {
  const { state } = world.kms.view
  const open = held.open.map((one) => ({ ...one, notAfter: world.now }))
  const contracts = new Map(state.contracts).set(held.digest, { ...held, open })
  return withoutOver({ ...state, contracts }, world.now).state.contracts.get(held.digest)!
}

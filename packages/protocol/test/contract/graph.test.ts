import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Contract, joinRules, planRun, type Transform } from '@sotto/protocol/contract'
import { bankAndRetailer, everything, output, ROOM, rules, sql, transform, uses } from './contracts.ts'

/** A contract of any graph: each transform reads some of all that comes before it. */
const anyGraph: fc.Arbitrary<Contract> = fc
  .record({
    inputs: fc.integer({ min: 1, max: 8 }),
    reads: fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 10 }),
  })
  .map(({ inputs: count, reads }) => {
    const names = Array.from({ length: count }, (_, at) => `i${at}`)
    const transforms: Transform[] = []
    for (const [at, picks] of reads.entries()) {
      const before = [...names, ...transforms.map(({ name }) => name)]
      const read = new Set(picks.map((pick) => before[pick % before.length]!))
      transforms.push(transform(`t${at}`, [...read], sql()))
    }
    const { inputs, ...rest } = bankAndRetailer()
    return {
      ...rest,
      inputs: names.map((name) => ({
        ...inputs[0]!,
        name,
        uses: uses(...transforms.map((one) => one.name)),
        rules: rules(['bank', 'retailer']),
      })),
      transforms,
      outputs: transforms.map(({ name }) => output(`${name}-out`, name, ['bank'])),
    }
  })

/** What a transform rests on, found by walking every way back. */
function ancestorsOf({ transforms }: Contract, name: string): Set<string> {
  const reads = transforms.find((one) => one.name === name)?.reads ?? []
  return new Set([name, ...reads.flatMap((read) => [...ancestorsOf({ transforms } as Contract, read)])])
}

describe('a plan of any graph', () => {
  it('has every transform once, after what it reads, and the one asked for last', () => {
    fc.assert(
      fc.property(anyGraph, (contract) => {
        for (const { name } of contract.transforms) {
          const { transforms } = planRun(contract, name)
          const order = transforms.map((one) => one.name)
          expect(new Set(order).size).toBe(order.length)
          expect(order.at(-1)).toBe(name)
          for (const [at, { reads }] of transforms.entries())
            for (const read of reads.filter((one) => one.startsWith('t')))
              expect(order.slice(0, at)).toContain(read)
        }
      }),
    )
  })

  it('has what the transform rests on, and nothing else', () => {
    fc.assert(
      fc.property(anyGraph, (contract) => {
        for (const { name } of contract.transforms) {
          const plan = planRun(contract, name)
          const found = [...plan.transforms, ...plan.inputs].map((one) => one.name)
          expect(new Set(found)).toEqual(ancestorsOf(contract, name))
          expect(plan.rules).toEqual(joinRules(plan.inputs.map((input) => input.rules)))
        }
      }),
    )
  })

  it('has one edge from each input to each step that it reaches', () => {
    fc.assert(
      fc.property(anyGraph, (contract) => {
        const inputs = new Set(contract.inputs.map(({ name }) => name))
        for (const { name } of contract.transforms) {
          const { transforms, edges } = planRun(contract, name)
          const expected = transforms.flatMap((step) =>
            [...ancestorsOf(contract, step.name)]
              .filter((one) => inputs.has(one))
              .map((input) => `${input} ${step.name}`),
          )
          expect(edges.map(({ input, transform: step }) => `${input} ${step}`).toSorted()).toEqual(
            expected.toSorted(),
          )
        }
      }),
    )
  })
})

describe('a plan', () => {
  it('of everything names inputs in the order of the contract', () => {
    const { inputs, transforms, outputs } = planRun(everything(), 'packed')
    expect(inputs.map(({ name }) => name)).toEqual(['people', 'notes', 'net', 'module', 'layers'])
    expect(transforms.map(({ name }) => name)).toEqual(['counts', 'labelled', 'shown', 'packed'])
    expect(outputs.map(({ name }) => name)).toEqual(['pack'])
  })

  it('inherit-through-others: has the rules of inputs that are reached through others alone', () => {
    expect(planRun(everything(), 'packed').rules).toEqual({
      receivers: ['a', 'b'],
      forbidden: ['name'],
      minContributors: 5,
      noisy: true,
      review: false,
      maxCommonWords: 5,
    })
  })

  it('middle-output: releases nothing of the transforms on the way', () => {
    const contract = everything()
    contract.outputs.push(output('middle', 'shown', ['a']))
    expect(planRun(contract, 'packed').outputs.map(({ name }) => name)).toEqual(['pack'])
    expect(planRun(contract, 'shown').outputs.map(({ name }) => name)).toEqual(['middle'])
  })

  it('names the owners of what it reads, each once, and who of them looks at the result', () => {
    const contract = everything()
    const [first, ...rest] = contract.inputs
    first!.owner = 'b'
    for (const input of rest) input.owner = 'a'
    rest[0]!.rules = { ...rest[0]!.rules, review: true }
    rest[1]!.rules = { ...rest[1]!.rules, review: true }
    expect(planRun(contract, 'packed')).toMatchObject({ owners: ['b', 'a'], reviewers: ['a'] })
  })

  it('lax-room: is for images that every step admits', () => {
    const [strict, lax] = ['ee'.repeat(32), 'ff'.repeat(32)]
    const contract = everything()
    contract.transforms[0]!.room = [strict, ROOM]
    contract.transforms[3]!.room = [lax, ROOM]
    expect(planRun(contract, 'packed').room).toEqual([ROOM])
    expect(planRun(contract, 'counts').room).toEqual([strict, ROOM])
  })

  it('is of a transform that the contract has', () => {
    for (const name of ['other', 'customers', 'met-offers', 'constructor', '__proto__', ''])
      expect(() => planRun(bankAndRetailer(), name), name).toThrow(TypeError)
  })
})

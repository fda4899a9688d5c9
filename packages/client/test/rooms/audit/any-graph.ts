import type { Contract, Transform } from '@sotto/protocol/contract'
import fc from 'fast-check'
import {
  bankAndRetailer,
  output,
  party,
  rules,
  sql,
  transform,
  uses,
} from '../../../../protocol/test/contract/contracts.ts'

/** Titles that somebody chose to break a page, a terminal or a parser with, and any others. */
const anyTitle = fc.oneof(
  fc.constantFrom(
    '</title><script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    ']]>&amp;&lt;&#0;',
    '</style><b>',
    '𝕏 ｗｉｄｅ',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }),
)

/** A contract of any graph and up to sixteen parties: each transform reads some of all that comes before it. */
export const anyGraph: fc.Arbitrary<Contract> = fc
  .record({
    title: anyTitle,
    parties: fc.integer({ min: 1, max: 16 }),
    inputs: fc.integer({ min: 1, max: 8 }),
    reads: fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 }),
    receivers: fc.integer({ min: 1, max: 16 }),
    runs: fc.integer({ min: 1, max: 1_000_000 }),
  })
  .map(({ title, parties: members, inputs: count, reads, receivers, runs }) => {
    // As long as names may be.
    const long = (kind: string, at: number): string => `${kind}${at}-`.padEnd(32, 'm')
    const parties = Array.from({ length: members }, (_, at) => party(long('p', at), at + 1))
    const own = parties.map(({ name }) => name)
    const names = Array.from({ length: count }, (_, at) => long('i', at))
    const transforms: Transform[] = []
    for (const [at, picks] of reads.entries()) {
      const before = [...names, ...transforms.map(({ name }) => name)]
      const read = new Set(picks.map((pick) => before[pick % before.length]!))
      transforms.push(transform(long('t', at), [...read], sql()))
    }
    const { inputs, ...rest } = bankAndRetailer()
    return {
      ...rest,
      title,
      parties,
      inputs: names.map((name, at) => ({
        ...inputs[0]!,
        name,
        owner: own[at % own.length]!,
        uses: uses(...transforms.map((one) => one.name)).map((use) => ({ ...use, runs })),
        rules: rules(own),
      })),
      transforms,
      outputs: transforms.map(({ name }, at) => output(long('o', at), name, own.slice(0, receivers))),
    }
  })

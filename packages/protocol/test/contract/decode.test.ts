import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type Contract,
  encodeContract,
  MAX_CONTRACT_BYTES,
  parseContract,
  type Transform,
} from '@sotto/protocol/contract'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { at, changed, objectsIn, type Path } from '../keyrelease/every-object.ts'
import { bankAndRetailer, bytes, everything, NOW, party, rules, summaries, uses } from './contracts.ts'

/** Objects whose members are no fields: variables of a container. */
const isOpen = (path: Path): boolean => path.at(-1) === 'env'
const OPTIONAL = new Set(
  `content columns epsilonMicros contributor maxCommonWords noise min max oneOf prompt labels
   maxTokens minTokens beams noRepeatNgram EMPTY LEVEL`.split(/\s+/),
)
const refuse = (document: object, what?: string): void =>
  expect(() => parseContract(encodeContract(document as Contract)), what).toThrow(
    expect.objectContaining({ code: 'CONTRACT_MALFORMED', action: 'fix-input' }),
  )

describe('every object of a contract', () => {
  const good = everything()

  it('has no unknown member', () => {
    for (const path of objectsIn(good, isOpen))
      for (const name of ['extra', 'constructor', 'toString'])
        refuse(
          changed(good, path, (value) => (value[name] = 1)),
          path.join('.'),
        )
  })

  it('lacks no member', () => {
    for (const path of objectsIn(good, isOpen))
      for (const member of Object.keys(at(good, path)).filter((name) => !OPTIONAL.has(name)))
        refuse(
          changed(good, path, (value) => delete value[member]),
          [...path, member].join('.'),
        )
  })

  it('has no member of another type', () => {
    for (const path of objectsIn(good, isOpen))
      for (const [member, value] of Object.entries(at(good, path)))
        for (const wrong of [null, true, '$', '', [], {}, [null]])
          if (!mayBe(member, value, wrong))
            refuse(
              changed(good, path, (object) => (object[member] = wrong)),
              `${[...path, member].join('.')} ${typeof wrong}`,
            )
  })
})

/** What is a value of another type and still allowed. */
function mayBe(member: string, value: unknown, wrong: unknown): boolean {
  if (typeof value === 'boolean') return wrong === true
  if (Array.isArray(wrong))
    return wrong.length === 0 && ['forbidden', 'parameters', 'joinKeys', 'args'].includes(member)
  if (typeof wrong === 'object' && wrong !== null) return member === 'settings' || member === 'env'
  return wrong === '$' && ['title', 'sql', 'prompt'].includes(member)
}

function many<T>(count: number, item: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => item(index))
}

/** What is well-formed JSON and still no contract: [what, how it comes about]. */
const BOUNDS: [what: string, change: (one: Contract) => void][] = [
  ['another version', (one) => Object.assign(one, { format: 'sotto-contract/2' })],
  ['an upper-case digest', (one) => (one.genesis = one.genesis.toUpperCase())],
  ['a short salt', (one) => (one.salt = bytes(31))],
  ['a salt in another alphabet', (one) => (one.salt = `${'+'.repeat(43)}`)],
  ['a title of 65 characters', (one) => (one.title = 'a'.repeat(65))],
  ['a title that moves the cursor', (one) => (one.title = 'a\u001b[2J')],
  ['a title that turns text around', (one) => (one.title = 'a\u202eb')],
  ['a title with something that has no shape', (one) => (one.title = 'a\u200bb')],
  ['nobody', (one) => (one.parties = [])],
  ['17 parties', (one) => one.parties.push(...many(15, (at) => party(`p${at}`, 10 + at)))],
  ['a party of a look-alike name', (one) => (one.parties[0]!.name = 'b\u0430nk')],
  ['a party with a short key', (one) => (one.parties[0]!.key = bytes(31))],
  ['a second spelling of one key', (one) => (one.parties[1]!.key = respelled(one.parties[0]!.key))],
  ['a party with a key of X25519 to seal to', (one) => (one.parties[0]!.sealTo = bytes(32))],
  ['no input', (one) => (one.inputs = [])],
  ['65 inputs', (one) => (one.inputs = many(65, (at) => ({ ...one.inputs[0]!, name: `i${at}` })))],
  ['an input of no use', (one) => (one.inputs[0]!.uses = [])],
  ['a use twice', (one) => one.inputs[1]!.uses.push(...uses('offers'))],
  ['a use of no run', (one) => (one.inputs[1]!.uses[0]!.runs = 0)],
  ['a use of endless runs', (one) => (one.inputs[1]!.uses[0]!.runs = 1_000_001)],
  ['a use that spends nothing', (one) => (one.inputs[0]!.uses[1]!.epsilonMicros = 0)],
  ['a use that gives something back', (one) => (one.inputs[0]!.uses[1]!.epsilonMicros = -1)],
  ['a use that spends a thousand', (one) => (one.inputs[0]!.uses[1]!.epsilonMicros = 1_000_000_001)],
  ['no column', (one) => (one.inputs[0]!.columns = [])],
  ['257 columns', (one) => (one.inputs[1]!.columns = many(257, (at) => ({ name: `c${at}`, type: 'text' })))],
  ['a column twice', (one) => one.inputs[1]!.columns!.push({ name: 'Region', type: 'text' })],
  ['a column with the name of a prototype', (one) => (one.inputs[1]!.columns![2]!.name = '__proto__')],
  ['a column of another type', (one) => Object.assign(one.inputs[1]!.columns![0]!, { type: 'blob' })],
  ['a receiver twice in rules', (one) => (one.inputs[0]!.rules.receivers = ['bank', 'bank', 'retailer'])],
  ['rules that admit nobody', (one) => (one.inputs[0]!.rules.receivers = [])],
  ['a forbidden column twice', (one) => (one.inputs[0]!.rules.forbidden = ['iban', 'IBAN'])],
  ['at least no contributor', (one) => (one.inputs[0]!.rules.minContributors = 0)],
  ['a million contributors and one', (one) => (one.inputs[0]!.rules.minContributors = 1_000_001)],
  ['no transform', (one) => (one.transforms = [])],
  [
    '33 transforms',
    (one) => one.transforms.push(...many(31, (at): Transform => ({ ...one.transforms[0]!, name: `t${at}` }))),
  ],
  ['a transform that reads nothing', (one) => (one.transforms[0]!.reads = [])],
  ['a transform that reads twice', (one) => one.transforms[0]!.reads.push('customers')],
  ['no room', (one) => (one.transforms[0]!.room = [])],
  ['a room twice', (one) => one.transforms[0]!.room.push(one.transforms[0]!.room[0]!)],
  ['nine rooms', (one) => (one.transforms[0]!.room = many(9, (at) => `${at}`.repeat(64)))],
  ['no output', (one) => (one.outputs = [])],
  ['65 outputs', (one) => (one.outputs = many(65, (at) => ({ ...one.outputs[0]!, name: `o${at}` })))],
  ['an output for nobody', (one) => (one.outputs[0]!.receivers = [])],
  ['a receiver twice', (one) => (one.outputs[0]!.receivers = ['bank', 'bank'])],
  ['an output of no byte', (one) => (one.outputs[0]!.maxBytes = 0)],
  ['an output past 4 GiB', (one) => (one.outputs[0]!.maxBytes = 2 ** 32 + 1)],
  ['no time', (one) => (one.notBefore = 0)],
  ['an end as it begins', (one) => (one.notAfter = one.notBefore)],
  ['an end before it begins', (one) => (one.notAfter = one.notBefore - 1)],
  ['more than ten years', (one) => (one.notAfter = one.notBefore + 3660 * 86_400 + 1)],
]

/** The same bytes with a bit set in the last character that no byte uses. */
function respelled(key: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return key.slice(0, -1) + alphabet[alphabet.indexOf(key.at(-1)!) + 1]!
}

describe('a contract', () => {
  it.each(BOUNDS)('is refused with %s', (_what, change) => {
    const one = bankAndRetailer()
    change(one)
    refuse(one)
  })

  it('holds at its bounds', () => {
    const one = bankAndRetailer()
    one.title = 'ä'.repeat(64)
    one.notBefore = Number.MAX_SAFE_INTEGER - 3660 * 86_400
    one.notAfter = Number.MAX_SAFE_INTEGER
    one.inputs[0]!.uses[0]!.runs = 1_000_000
    one.inputs[0]!.uses[1]!.epsilonMicros = 1_000_000_000
    one.outputs[0]!.maxBytes = 2 ** 32
    expect(parseContract(encodeContract(one)).contract).toEqual(one)
  })

  it.each([
    ['a bank and a retailer', bankAndRetailer],
    ['summaries', summaries],
    ['everything', everything],
  ])('of %s is read as it was written, and named by its bytes', (_, build) => {
    const encoded = encodeContract(build())
    const { contract, digest } = parseContract(encoded)
    expect(contract).toEqual(build())
    expect(encodeContract(contract)).toEqual(encoded)
    expect(digest).toBe(documentDigest(encoded))
  })

  it('is read as it was written, whatever it says', () => {
    const change = fc.record({
      title: fc.stringMatching(/^[\p{L}\p{N}\p{P}\p{S} ]{1,30}$/u),
      salt: fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((salt) => Buffer.from(salt).toString('base64url')),
      consent: fc.record({ logging: fc.boolean(), telemetry: fc.boolean() }),
      notBefore: fc.integer({ min: 1, max: NOW }),
    })
    const review = fc.record({
      minContributors: fc.integer({ min: 1, max: 1_000_000 }),
      review: fc.boolean(),
    })
    fc.assert(
      fc.property(change, review, ({ notBefore, ...said }, ruled) => {
        const one = { ...bankAndRetailer(), ...said, notBefore, notAfter: notBefore + 9 }
        Object.assign(one.inputs[0]!.rules, ruled)
        const { contract, digest } = parseContract(encodeContract(one))
        expect(contract).toEqual(one)
        expect(parseContract(encodeContract(contract)).digest).toBe(digest)
      }),
    )
  })

  it('has another name after any change of a byte, or is none', () => {
    const encoded = encodeContract(summaries())
    const { digest } = parseContract(encoded)
    const place = fc.record({ at: fc.nat({ max: encoded.length - 1 }), by: fc.integer({ min: 1, max: 255 }) })
    fc.assert(
      fc.property(place, ({ at: where, by }) => {
        const other = encoded.slice()
        other[where]! ^= by
        try {
          expect(parseContract(other).digest).not.toBe(digest)
        } catch (error) {
          expect(error).toEqual(expect.objectContaining({ code: 'CONTRACT_MALFORMED' }))
        }
      }),
      { numRuns: 200 },
    )
  })

  it.each<[string, (text: string) => string]>([
    ['duplicate-member: a member twice', (text) => text.replace('{"consent":', '{"consent":{},"consent":')],
    [
      'prototype-member: a prototype of its own',
      (text) => text.replace('{"consent":', '{"__proto__":{},"consent":'),
    ],
    ['white-space: another spelling', (text) => `${text}\n`],
    ['unsorted: members in another order', () => JSON.stringify(bankAndRetailer())],
    [
      'fraction: a number with a fraction',
      (text) => text.replace('"maxBytes":1048576', '"maxBytes":1048576.5'),
    ],
    [
      'exponent: a number in another spelling',
      (text) => text.replace('"maxBytes":1048576', '"maxBytes":1048576e0'),
    ],
    ['lone-surrogate: half a character', (text) => text.replace('Offers', '\\ud800')],
    ['nesting: far too deep', () => '['.repeat(100_000)],
    ['nothing', () => ''],
    ['a list', () => '[]'],
    ['null', () => 'null'],
  ])('is refused with %s', (_, spell) => {
    const spelled = spell(fromUtf8(encodeContract(bankAndRetailer())))
    expect(() => parseContract(utf8(spelled))).toThrow(
      expect.objectContaining({ code: 'CONTRACT_MALFORMED' }),
    )
  })

  it('past its bound is refused before it is read', () => {
    expect(() => parseContract(utf8(`"${'x'.repeat(MAX_CONTRACT_BYTES)}"`))).toThrow(
      expect.objectContaining({ code: 'CONTRACT_MALFORMED', found: 'document is too long' }),
    )
  })

  it('says in words what it contradicts itself in, and quotes nothing that is no name', () => {
    const one = bankAndRetailer()
    one.inputs[0]!.rules = rules(['bank'], { contributor: 'secret column' })
    const failure = (): unknown => parseContract(encodeContract(one))
    expect(failure).toThrow(
      expect.objectContaining({ found: expect.not.stringContaining('secret') as string }),
    )
  })
})

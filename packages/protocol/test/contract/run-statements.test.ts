import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type OfRun,
  permitAnswerDecoder,
  RUN_TYPES,
  runAnswerDecoder,
  runKeysDecoder,
  type RunPermit,
  type RunReceipt,
  type RunResult,
  verifyRunPermit,
  verifyRunReceipt,
  verifyRunResult,
} from '@sotto/protocol/contract'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import type { Decoder } from '@sotto/protocol/jcs'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { malformed, many, put, refusal } from '../room/refusals.ts'
import { bytes, GENESIS, NOW, signer } from './contracts.ts'

const KMS = signer(7)
const OTHER = signer(8)
const of: OfRun = { genesis: GENESIS, contract: '22'.repeat(32), run: '33'.repeat(32) }
const outputs = [
  { output: 'spent', digest: '44'.repeat(32), bytes: 100 },
  { output: 'counts', digest: '55'.repeat(32), bytes: 0 },
]
const receipt: RunReceipt = {
  format: 'sotto-run-receipt/1',
  ...of,
  tuple: 'room-1.0',
  image: '66'.repeat(32),
  evidence: '77'.repeat(32),
  hardware: ['software 01', 'sev-snp 02'],
  charges: [
    { input: 'customers', transform: 'spending', runs: 1 },
    { input: 'purchases', transform: 'spending', runs: 1, epsilonMicros: 5 },
  ],
  sequence: 4,
  issuedAt: NOW,
}
const permit: RunPermit = { format: 'sotto-run-permit/1', ...of, outputs, issuedAt: NOW }
const result: RunResult = { format: 'sotto-run-result/1', ...of, outputs, at: NOW }

interface Statement {
  good: OfRun
  type: string
  verify: (signed: string, of: OfRun, keys: readonly Uint8Array[]) => object
  optional?: string[]
  mayBeEmpty?: string[]
}
const STATEMENTS: Record<string, Statement> = {
  receipt: {
    good: receipt,
    type: RUN_TYPES.receipt,
    verify: verifyRunReceipt,
    optional: ['epsilonMicros'],
    mayBeEmpty: ['charges'],
  },
  permit: { good: permit, type: RUN_TYPES.permit, verify: verifyRunPermit },
  result: { good: result, type: RUN_TYPES.result, verify: verifyRunResult },
}

describe.each(Object.entries(STATEMENTS))(
  'the %s of a run',
  (_name, { good, type, verify, ...exceptions }) => {
    const sign = (payload: Uint8Array, by: DsseSigner[] = [KMS], as: string = type): string =>
      fromUtf8(signDsse(as, payload, by))
    const envelope = sign(encodeDocument(good))
    const refuse = (signed: string, code: string, what?: string): void =>
      expect(() => verify(signed, of, [KMS.publicKey]), what).toThrow(refusal(code))

    it('is read as it was signed', () => {
      expect(verify(envelope, of, [KMS.publicKey])).toEqual(good)
    })

    it('is of one key, and of nobody else besides', () => {
      refuse(sign(encodeDocument(good), [OTHER]), 'CONTRACT_SIGNATURE')
      refuse(sign(encodeDocument(good), [KMS, OTHER]), 'CONTRACT_SIGNATURE')
      expect(() => verify(envelope, of, [OTHER.publicKey])).toThrow(refusal('CONTRACT_SIGNATURE'))
    })

    it.each(['genesis', 'contract', 'run'] as const)('is about another %s', (member) => {
      const other = 'ef'.repeat(32)
      refuse(sign(encodeDocument({ ...good, [member]: other })), 'CONTRACT_OTHER')
      expect(() => verify(envelope, { ...of, [member]: other }, [KMS.publicKey])).toThrow(
        refusal('CONTRACT_OTHER'),
      )
    })

    it('is no statement of another kind, even with its members', () => {
      for (const other of Object.values(STATEMENTS).filter((one) => one.type !== type)) {
        refuse(sign(encodeDocument(other.good)), 'CONTRACT_MALFORMED', other.type)
        refuse(sign(encodeDocument(good), [KMS], other.type), 'CONTRACT_SIGNATURE', other.type)
      }
    })

    it('has all of its members, of their types, and no other', () => {
      for (const [what, value] of malformed(good, exceptions))
        refuse(sign(encodeDocument(value)), 'CONTRACT_MALFORMED', what)
    })

    it('is read in its one spelling alone', () => {
      const text = fromUtf8(encodeDocument(good))
      const twice = text.replace('{', '{"charges":[],"at":1,')
      for (const other of [JSON.stringify(good, null, 1), twice, ` ${text}`])
        refuse(sign(utf8(other)), 'CONTRACT_MALFORMED', other)
    })

    it('is not read in part', () => {
      for (let end = 0; end < envelope.length; end++)
        refuse(envelope.slice(0, end), 'CONTRACT_MALFORMED', `${end}`)
    })

    it('is refused after any change of a bit', () => {
      const all = utf8(envelope)
      fc.assert(
        fc.property(fc.nat(all.length - 1), fc.nat(6), (at, bit) => {
          const other = all.slice()
          other[at]! ^= 1 << bit
          expect(() => verify(fromUtf8(other), of, [KMS.publicKey])).toThrow(
            expect.objectContaining({
              code: expect.stringMatching(/^CONTRACT_(?:MALFORMED|SIGNATURE|OTHER)$/) as string,
            }),
          )
        }),
        { numRuns: 200 },
      )
    })
  },
)

describe('what is out of bounds', () => {
  const cases: [string, keyof typeof STATEMENTS, string, unknown][] = [
    ['a charge of two runs', 'receipt', 'charges.0.runs', 2],
    ['a charge of nothing private', 'receipt', 'charges.1.epsilonMicros', 0],
    ['no hardware', 'receipt', 'hardware', []],
    ['too much hardware', 'receipt', 'hardware', many(65, () => 'software')],
    ['hardware that moves the cursor', 'receipt', 'hardware', ['software \u{1B}[2J']],
    ['run number 0', 'receipt', 'sequence', 0],
    ['charges without end', 'receipt', 'charges', many(2049, () => receipt.charges[0])],
    ['an image in capitals', 'receipt', 'image', 'AB'.repeat(32)],
    ['an output that is too large', 'permit', 'outputs.0.bytes', 2 ** 32 + 1],
    ['an output that is named twice', 'permit', 'outputs.1.output', 'spent'],
    ['no output', 'permit', 'outputs', []],
    ['too many outputs', 'permit', 'outputs', many(65, (n) => ({ ...outputs[0], output: `o${n}` }))],
    ['no output of the room', 'result', 'outputs', []],
    ['a later format', 'result', 'format', 'sotto-run-result/2'],
  ]
  it.each(cases)('%s is refused', (_what, kind, path, value) => {
    const { good, type, verify } = STATEMENTS[kind]!
    const signed = fromUtf8(signDsse(type, encodeDocument(put(good, path, value)), [KMS]))
    expect(() => verify(signed, of, [KMS.publicKey])).toThrow(refusal('CONTRACT_MALFORMED'))
  })

  it('any charges and outputs within them are read as they were signed', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,7}$/)
    const made = fc.uniqueArray(
      fc.record({
        output: name,
        bytes: fc.integer({ min: 0, max: 2 ** 32 }),
        digest: fc.constant('44'.repeat(32)),
      }),
      { minLength: 1, maxLength: 20, selector: ({ output }) => output },
    )
    fc.assert(
      fc.property(made, fc.integer({ min: 1, max: 2 ** 40 }), (all, issuedAt) => {
        const one = { ...permit, outputs: all, issuedAt }
        const signed = fromUtf8(signDsse(RUN_TYPES.permit, encodeDocument(one), [KMS]))
        expect(verifyRunPermit(signed, of, [KMS.publicKey])).toEqual(one)
      }),
      { numRuns: 30 },
    )
  })
})

const ANSWERS: Record<string, { decoder: Decoder<object>; good: object }> = {
  'keys, wrapped': {
    decoder: runAnswerDecoder,
    good: { enc: bytes(1120), wrapped: bytes(300), receipt: '{}' },
  },
  keys: {
    decoder: runKeysDecoder,
    good: { artifacts: [{ id: '0a'.repeat(16), contentKey: bytes(32) }] },
  },
  permit: { decoder: permitAnswerDecoder, good: { permit: '{}' } },
}

describe.each(Object.entries(ANSWERS))('an answer of a KMS: %s', (_name, { decoder, good }) => {
  const refuse = (value: unknown, what: string): void =>
    expect(() => decoder(value, 'answer'), what).toThrow(refusal('JCS_FIELD'))

  it('is read as it was written', () => {
    expect(decoder(good, 'answer')).toEqual(good)
  })

  it('has all of its members, of their types, and no other', () => {
    for (const [what, value] of malformed(good)) refuse(value, what)
    for (const value of [null, undefined, [], 'keys']) refuse(value, String(value))
  })
})

it('keys of a run are of as many inputs as a contract has, each of 32 bytes', () => {
  const keys = (count: number): object => ({
    artifacts: many(count, (n) => ({ id: `${n}`.padStart(32, '0'), contentKey: bytes(32) })),
  })
  expect(runKeysDecoder(keys(64), 'keys').artifacts).toHaveLength(64)
  for (const wrong of [keys(65), put(keys(1), 'artifacts.0.contentKey', bytes(31))])
    expect(() => runKeysDecoder(wrong, 'keys')).toThrow(refusal('JCS_FIELD'))
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, prepareSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import {
  RUN_PREDICATE,
  type RunProvenance,
  signRunProvenance,
  verifyRunProvenance,
} from '@sotto/protocol/room'
import { GENESIS, NOW, signer } from '../contract/contracts.ts'
import { malformed, many, put, refusal } from './refusals.ts'

const ROOM = signer(7)
const OTHER = signer(8)
const RUN = '33'.repeat(32)
const of = { run: RUN, receiptKey: toBase64Url(ROOM.publicKey) }
const digest = (byte: string): string => byte.repeat(32)

const GOOD: RunProvenance = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [
    { name: 'summaries', digest: { sha256: digest('01') } },
    { name: 'counts', digest: { sha256: digest('02') } },
  ],
  predicateType: RUN_PREDICATE,
  predicate: {
    genesis: GENESIS,
    contract: digest('22'),
    run: RUN,
    inputs: [
      { input: 'letters', artifact: '0a'.repeat(16), sealed: digest('03'), content: digest('04') },
      {
        input: 't5',
        artifact: '0b'.repeat(16),
        sealed: digest('05'),
        content: digest('06'),
        model: digest('07'),
      },
    ],
    steps: [
      { transform: 'transcribe', kind: 'infer', task: digest('08') },
      { transform: 'summarise', kind: 'infer', task: digest('09'), commonWords: 6 },
    ],
    image: digest('0a'),
    evidence: digest('0b'),
    charges: [
      { input: 'letters', transform: 'summarise', runs: 1 },
      { input: 't5', transform: 'summarise', runs: 1, epsilonMicros: 5 },
    ],
    sequence: 3,
    receipt: digest('0c'),
    permit: digest('0d'),
    startedAt: NOW,
    finishedAt: NOW + 60,
  },
}
const ENVELOPE = signRunProvenance(GOOD, ROOM)
const signed = (
  payload: Uint8Array,
  by: DsseSigner[] = [ROOM],
  type: string = PAYLOAD_TYPES.release,
): string => fromUtf8(signDsse(type, payload, by))
const refuse = (envelope: string, code: string, what?: string): void =>
  expect(() => verifyRunProvenance(envelope, of), what).toThrow(refusal(code))

describe('where outputs of a run come from', () => {
  it('is read as the room signed it, with its key at hand or set up before', () => {
    expect(verifyRunProvenance(ENVELOPE, of)).toEqual(GOOD)
    expect(signRunProvenance(GOOD, prepareSigner(ROOM))).toBe(ENVELOPE)
  })

  it('is an in-toto statement, signed as such', () => {
    const { payloadType } = JSON.parse(ENVELOPE) as { payloadType: string }
    expect(payloadType).toBe('application/vnd.in-toto+json')
    expect(RUN_PREDICATE).toBe('https://sotto.dev/rooms/run/v1')
    refuse(signed(encodeDocument(GOOD), [ROOM], 'application/vnd.sotto.run-result+json'), 'ROOM_SIGNATURE')
  })

  it('any statement is read as it was signed', () => {
    const hash = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((all) => Buffer.from(all).toString('hex'))
    const change = fc.record({
      image: hash,
      evidence: hash,
      receipt: hash,
      sequence: fc.integer({ min: 1, max: 2 ** 31 }),
      steps: fc
        .integer({ min: 1, max: 32 })
        .map((count) =>
          many(count, (n) => ({ transform: `t${n}`, kind: 'sql' as const, task: digest('11') })),
        ),
    })
    fc.assert(
      fc.property(change, (predicate) => {
        const statement = { ...GOOD, predicate: { ...GOOD.predicate, ...predicate } }
        expect(verifyRunProvenance(signRunProvenance(statement, ROOM), of)).toEqual(statement)
      }),
      { numRuns: 30 },
    )
  })

  it('is of the room of the run, and of nobody else besides', () => {
    refuse(signRunProvenance(GOOD, OTHER), 'ROOM_SIGNATURE')
    refuse(signed(encodeDocument(GOOD), [ROOM, OTHER]), 'ROOM_SIGNATURE')
    refuse(signed(encodeDocument(GOOD), [OTHER, ROOM]), 'ROOM_SIGNATURE')
  })

  it('is of this run', () => {
    refuse(signRunProvenance(put(GOOD, 'predicate.run', digest('44')) as RunProvenance, ROOM), 'ROOM_OTHER')
  })

  it('has all of its members, of their types, and no other', () => {
    const exceptions = { optional: ['model', 'commonWords', 'epsilonMicros'], mayBeEmpty: ['charges'] }
    for (const [what, value] of malformed(GOOD, exceptions))
      refuse(signed(encodeDocument(value)), 'ROOM_DOCUMENT', what)
  })

  it('is read without what it need not have', () => {
    for (const path of ['inputs.1.model', 'steps.1.commonWords', 'charges.1.epsilonMicros']) {
      const without = put(GOOD, `predicate.${path}`, undefined)
      expect(verifyRunProvenance(signed(encodeDocument(without)), of)).toEqual(without)
    }
  })

  it.each<[string, string, unknown]>([
    ['an output that is named twice', 'subject.1.name', 'summaries'],
    ['an input that is named twice', 'predicate.inputs.1.input', 'letters'],
    ['a step that is named twice', 'predicate.steps.1.transform', 'transcribe'],
    ['another predicate', 'predicateType', 'https://slsa.dev/provenance/v1'],
    ['another statement', '_type', 'https://in-toto.io/Statement/v0.1'],
    ['two runs in one charge', 'predicate.charges.0.runs', 2],
    ['a charge that gives back', 'predicate.charges.1.epsilonMicros', -5],
    ['run number 0', 'predicate.sequence', 0],
    ['a kind of step that there is not', 'predicate.steps.0.kind', 'shell'],
    ['common words that are none', 'predicate.steps.1.commonWords', -1],
    ['a name that every object has', 'subject.0.name', 'constructor'],
    ['a digest in capitals', 'subject.0.digest.sha256', 'AB'.repeat(32)],
    ['an identifier that is too long', 'predicate.inputs.0.artifact', '0a'.repeat(17)],
    ['no output', 'subject', []],
    ['no input', 'predicate.inputs', []],
    ['no step', 'predicate.steps', []],
    ['a time before there was one', 'predicate.startedAt', 0],
  ])('refuses %s', (what, path, value) =>
    refuse(signed(encodeDocument(put(GOOD, path, value))), 'ROOM_DOCUMENT', what),
  )

  it('has as many outputs and steps as a contract, and not one more', () => {
    const subject = many(65, (n) => ({ name: `o${n}`, digest: { sha256: digest('01') } }))
    const steps = many(33, (n) => ({ transform: `t${n}`, kind: 'sql', task: digest('11') }))
    for (const [path, all] of [
      ['subject', subject],
      ['predicate.steps', steps],
    ] as const) {
      refuse(signed(encodeDocument(put(GOOD, path, all))), 'ROOM_DOCUMENT', path)
      const most = put(GOOD, path, all.slice(1))
      expect(verifyRunProvenance(signed(encodeDocument(most)), of)).toEqual(most)
    }
  })

  it('is read in its one spelling alone', () => {
    const text = fromUtf8(encodeDocument(GOOD))
    for (const other of [JSON.stringify(GOOD), JSON.stringify(GOOD, null, 1), `${text}\n`])
      refuse(signed(utf8(other)), 'ROOM_DOCUMENT', other)
  })

  it('is not read in part', () => {
    for (let end = 0; end < ENVELOPE.length; end++) refuse(ENVELOPE.slice(0, end), 'ROOM_DOCUMENT', `${end}`)
  })

  it('is refused after any change of a bit', () => {
    const bytes = utf8(ENVELOPE)
    fc.assert(
      // The highest bit of a letter would make it no text, which no caller has.
      fc.property(fc.nat(bytes.length - 1), fc.nat(6), (at, bit) => {
        const other = bytes.slice()
        other[at]! ^= 1 << bit
        expect(() => verifyRunProvenance(fromUtf8(other), of)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^ROOM_(?:DOCUMENT|SIGNATURE|OTHER)$/) as string,
          }),
        )
      }),
      { numRuns: 300 },
    )
  })
})

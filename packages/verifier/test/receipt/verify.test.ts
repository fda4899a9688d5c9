import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { concat, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { parseSavedReceipt, saltRequest, saltResponse, type SavedReceipt } from '@sotto/protocol/receipts'
import {
  createReceipt,
  createWorld,
  fakeSigner,
  type MintedReceipt,
  type ReceiptOptions,
  type World,
  type WorldOptions,
} from '@sotto/testkit'
import {
  createReceiptVerifier,
  verifyReceipt,
  type ReceiptResult,
  type ReceiptSubject,
} from '@sotto/verifier'
import { claim, type ClaimId } from '../../../../test/claims.ts'

const subjectOf = ({ request, response }: MintedReceipt): ReceiptSubject => ({
  request: { ...request, body: [request.body] },
  response: { ...response, body: [response.body] },
})
/** As a holder does it: from the bytes of the file. */
const verify = (world: World, saved: SavedReceipt, subject: ReceiptSubject = {}): ReceiptResult =>
  verifyReceipt(parseSavedReceipt(canonicalJson(saved)), world.policy, subject)
const statuses = ({ steps }: ReceiptResult): string[] => steps.map(({ name, status }) => `${name} ${status}`)
const failed = ({ steps }: ReceiptResult): string[] =>
  steps.filter(({ status }) => status === 'fail').map(({ name }) => name)

describe('an honest receipt', () => {
  let world: World
  let minted: MintedReceipt
  beforeAll(async () => {
    world = await createWorld()
    minted = await createReceipt(world)
  })

  it(
    claim(['chain.inference-receipt', 'T16'], 'holds offline, from the pinned genesis to request and answer'),
    () => {
      const result = verify(world, minted.saved, subjectOf(minted))
      expect(statuses(result)).toEqual([
        'receipt.checkpoint pass',
        'receipt.genesis pass',
        'receipt.kms-certificate pass',
        'receipt.release pass',
        'receipt.signature pass',
        'receipt.request pass',
        'receipt.response pass',
      ])
      expect(result).toMatchObject({ ok: true, receipt: minted.receipt, release: minted.release })
    },
  )

  it('says what it was not compared with: a skip is not a pass', () => {
    const { ok, steps } = verify(world, minted.saved)
    expect(ok).toBe(true)
    expect(steps.slice(-2)).toMatchObject([
      { name: 'receipt.request', status: 'skipped', reason: expect.any(String) },
      { name: 'receipt.response', status: 'skipped', reason: expect.any(String) },
    ])
  })

  it('holds however the bodies are cut into parts', () => {
    fc.assert(
      fc.property(fc.nat(minted.request.body.length), fc.nat(minted.response.body.length), (a, b) => {
        const subject = subjectOf(minted)
        subject.request!.body = [minted.request.body.slice(0, a), minted.request.body.slice(a)]
        subject.response!.body = [minted.response.body.slice(0, b), minted.response.body.slice(b)]
        expect(verify(world, minted.saved, subject).ok).toBe(true)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it('is refused after any flipped byte', () => {
    const bytes = canonicalJson(minted.saved)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 127 }), (at, mask) => {
        const flipped = bytes.map((byte, i) => (i === at ? byte ^ mask : byte))
        let result: ReceiptResult
        try {
          result = verifyReceipt(parseSavedReceipt(flipped), world.policy, subjectOf(minted))
        } catch (error) {
          expect(error).toHaveProperty('code')
          return
        }
        expect(result.ok).toBe(false)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 60 },
    )
  })

  it.each<[string, (subject: Required<ReceiptSubject>) => void, string]>([
    ['another question', ({ request }) => (request.body = [utf8('{"messages":[1]}')]), 'receipt.request'],
    ['another path', ({ request }) => (request.path += '?n=2'), 'receipt.request'],
    ['another method', ({ request }) => (request.method = 'PUT'), 'receipt.request'],
    ['another type of request', ({ request }) => (request.contentType = ''), 'receipt.request'],
    ['another answer', ({ response }) => (response.body = [utf8('{"choices":[1]}')]), 'receipt.response'],
    ['another status', ({ response }) => (response.status = 201), 'receipt.response'],
    ['another type of answer', ({ response }) => (response.contentType = 'text/plain'), 'receipt.response'],
  ])('is refused for %s', (_what, change, step) => {
    const subject = subjectOf(minted) as Required<ReceiptSubject>
    change(subject)
    const result = verify(world, minted.saved, subject)
    expect(failed(result)).toEqual([step])
    expect(result.ok).toBe(false)
  })

  it(claim('T16', 'is never about a part of the answer: a cut answer has no receipt that holds'), () => {
    const { body } = minted.response
    for (const cut of [new Uint8Array(), body.slice(0, -1), concat(body, utf8(' '))]) {
      const subject = subjectOf(minted)
      subject.response!.body = [cut]
      expect(failed(verify(world, minted.saved, subject))).toEqual(['receipt.response'])
    }
  })

  it(
    claim('T16', 'salts its digests: the same words never have the same digest, and no salt fits another'),
    async () => {
      const again = await createReceipt(world)
      expect(again.receipt.request).not.toBe(minted.receipt.request)
      expect(again.receipt.response).not.toBe(minted.receipt.response)
      const swapped = { ...minted.saved, salt: again.saved.salt }
      expect(failed(verify(world, swapped, subjectOf(minted)))).toEqual([
        'receipt.request',
        'receipt.response',
      ])
    },
  )
})

/** Each link of the chain, forged once: what is changed and which step must fail. */
const FORGERIES: [
  claims: ClaimId | ClaimId[],
  what: string,
  step: string,
  receipt?: ReceiptOptions,
  world?: WorldOptions | ((other: World) => WorldOptions),
][] = [
  ['T16', 'a receipt another key signed', 'receipt.signature', { signers: { receipt: fakeSigner() } }],
  ['T16', 'a receipt key the KMS did not certify', 'receipt.release', { signers: { release: fakeSigner() } }],
  ['T16', 'a release that was never logged', 'receipt.release', { unlogged: true }],
  ['chain.inference-receipt', 'one witness where two are required', 'receipt.checkpoint', { witnesses: 1 }],
  [
    'chain.inference-receipt',
    'another log',
    'receipt.checkpoint',
    {},
    (other) => ({ policy: (policy) => ({ ...policy, log: { ...policy.log, key: other.log.key } }) }),
  ],
  [
    'T1',
    'another genuine KMS',
    'receipt.genesis',
    {},
    { policy: (policy) => ({ ...policy, genesis: '0'.repeat(64) }) },
  ],
  ['T1', 'a genesis somebody else signed', 'receipt.genesis', {}, { signers: { genesis: fakeSigner() } }],
  [
    'chain.inference-receipt',
    'a statement key another root certified',
    'receipt.kms-certificate',
    {},
    { signers: { certificate: fakeSigner() } },
  ],
  [
    'T1',
    'a statement key certified for another genesis',
    'receipt.kms-certificate',
    {},
    { certificate: (certificate) => ({ ...certificate, genesis: '1'.repeat(64) }) },
  ],
  [
    'T1',
    'a release of another genesis',
    'receipt.release',
    { release: (release) => ({ ...release, genesis: '1'.repeat(64) }) },
  ],
  [
    'chain.inference-receipt',
    'a release before the statement key was valid',
    'receipt.release',
    { release: (release) => ({ ...release, issuedAt: 1_700_000_000 }) },
  ],
  [
    'chain.inference-receipt',
    'a release after the statement key expired',
    'receipt.release',
    {},
    { certificate: (certificate) => ({ ...certificate, notAfter: certificate.notBefore + 10 }) },
  ],
  [
    'T1',
    'a receipt that names another genesis',
    'receipt.signature',
    { receipt: (receipt) => ({ ...receipt, genesis: '1'.repeat(64) }) },
  ],
  [
    'T2',
    'a receipt that names another policy than the keys were released under',
    'receipt.signature',
    { receipt: (receipt) => ({ ...receipt, policy: '1'.repeat(64) }) },
  ],
  [
    'T16',
    'a receipt that names other evidence than was admitted',
    'receipt.signature',
    { receipt: (receipt) => ({ ...receipt, evidence: '1'.repeat(64) }) },
  ],
  [
    'T16',
    'a receipt that names a key the enclave was not given',
    'receipt.signature',
    { receipt: (receipt) => ({ ...receipt, keyId: 8 }) },
  ],
  [
    'T16',
    'a receipt that names another tree of the same size',
    'receipt.signature',
    { receipt: (receipt) => ({ ...receipt, after: { ...receipt.after, root: '1'.repeat(64) } }) },
  ],
]

describe('a forged receipt', () => {
  let other: World
  beforeAll(async () => {
    other = await createWorld()
  })

  for (const [claims, what, step, receipt = {}, options = {}] of FORGERIES) {
    it(claim(claims, `is refused for ${what}`), async () => {
      const world = await createWorld(typeof options === 'function' ? options(other) : options)
      const minted = await createReceipt(world, receipt)
      const result = verify(world, minted.saved, subjectOf(minted))
      expect(result.ok).toBe(false)
      expect(failed(result)).toEqual([step])
      // What builds on a failed link was not checked, and says so.
      const rest = result.steps.slice(result.steps.findIndex(({ name }) => name === step) + 1)
      for (const { status, reason } of rest) {
        expect(status).toBe('skipped')
        expect(reason).toContain('not established')
      }
    })
  }

  it('is refused when a proof is of another entry, whichever link it belongs to', async () => {
    for (const [link, step] of [
      ['genesis', 'receipt.genesis'],
      ['certificate', 'receipt.kms-certificate'],
      ['release', 'receipt.release'],
    ] as const) {
      const world = await createWorld()
      const { saved } = await createReceipt(world)
      saved.certificate[link].index = (saved.certificate[link].index + 1) % world.log.size
      expect(failed(verify(world, saved)), link).toEqual([step])
    }
  })

  it('is refused when its links come from two enclaves', async () => {
    const world = await createWorld()
    const [mine, theirs] = [await createReceipt(world), await createReceipt(world)]
    const mixed = { ...mine.saved, certificate: theirs.saved.certificate }
    expect(failed(verify(world, mixed, subjectOf(mine)))).toEqual(['receipt.signature'])
  })

  it('is refused when the signed document is of another type', async () => {
    const world = await createWorld()
    const minted = await createReceipt(world)
    const { payload } = parseDsse(utf8(minted.saved.envelope))
    const retyped = fromUtf8(signDsse(PAYLOAD_TYPES.releaseReceipt, payload, [minted.signer]))
    expect(failed(verify(world, { ...minted.saved, envelope: retyped }))).toEqual(['receipt.signature'])
  })

  it('is refused when a compromised operator signs digests of its own choice with its own key', async () => {
    const world = await createWorld()
    const minted = await createReceipt(world)
    const [salt, answer] = [crypto.randomBytes(32), utf8('{"choices":["forged"]}')]
    const forged = encodeDocument({
      ...minted.receipt,
      request: saltRequest(salt, minted.request, crypto.sha256(minted.request.body)),
      response: saltResponse(salt, minted.response, crypto.sha256(answer)),
    })
    const saved: SavedReceipt = {
      ...minted.saved,
      salt: toBase64Url(salt),
      envelope: fromUtf8(signDsse(PAYLOAD_TYPES.inferenceReceipt, forged, [world.signers.kms])),
    }
    const subject = subjectOf(minted)
    subject.response!.body = [answer]
    expect(failed(verify(world, saved, subject))).toEqual(['receipt.signature'])
  })
})

describe('many receipts of one release', () => {
  it('gives each the same verdict as when it is verified alone, and refuses the forged one among them', async () => {
    const world = await createWorld()
    const minted = await createReceipt(world)
    const verifyOne = createReceiptVerifier(world.policy)
    expect(verifyOne(minted.saved)).toEqual(verifyReceipt(minted.saved, world.policy))
    const forged = fromUtf8(
      signDsse(PAYLOAD_TYPES.inferenceReceipt, encodeDocument(minted.receipt), [fakeSigner()]),
    )
    expect(failed(verifyOne({ ...minted.saved, envelope: forged }))).toEqual(['receipt.signature'])
    expect(verifyOne(minted.saved, subjectOf(minted)).ok).toBe(true)
  })

  it('refuses every one of them when the chain behind them does not hold', async () => {
    const world = await createWorld()
    const { saved } = await createReceipt(world)
    const verifyOne = createReceiptVerifier({ ...world.policy, genesis: '0'.repeat(64) })
    for (let round = 0; round < 2; round++) {
      const result = verifyOne(saved)
      expect(result.ok).toBe(false)
      expect(failed(result)).toEqual(['receipt.genesis'])
    }
  })
})

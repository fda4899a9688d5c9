import { beforeAll, describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { saltRequest, saltResponse, type SavedReceipt } from '@sotto/protocol/receipts'
import {
  createReceipt,
  createWorld,
  fakeSigner,
  type ReceiptOptions,
  type World,
  type WorldOptions,
} from '@sotto/testkit'
import { claim, type ClaimId } from '../../../../test/claims.ts'
import { failed, subjectOf, verify } from './receipt-steps.ts'

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

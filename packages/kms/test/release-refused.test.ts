import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { bindReportData } from '@sotto/protocol/keyrelease'
import { checkpointText, cosign, signNote } from '@sotto/protocol/note'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { Enclave, hardwareOf, seed, World } from './world.ts'

const OTHER_IMAGE = 'ee'.repeat(32)
const OTHER_CONFIG = 'ff'.repeat(32)

/** Every way a request may be wrong, and what it must be told. */
const REFUSALS: [string, (world: World, enclave: Enclave) => Promise<unknown>, string][] = [
  ['another image', (w) => new Enclave({ ...w.workload, image: OTHER_IMAGE }).request(w), 'KMS_NOT_ADMITTED'],
  [
    'another configuration',
    (w) => new Enclave({ ...w.workload, hostData: OTHER_CONFIG }).request(w),
    'KMS_NOT_ADMITTED',
  ],
  [
    'a machine whose root nobody named',
    (w) => new Enclave({ ...w.workload, machine: crypto.ecdsa.generate('P-384') }).request(w),
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'evidence for another KMS',
    (w, e) => e.request(w, { binding: { genesis: '00'.repeat(32) } }),
    'KMS_WRONG_GENESIS',
  ],
  [
    'a wrapping key the evidence does not bind',
    async (w, e) => {
      const request = await e.request(w)
      const thief = new Enclave(w.workload)
      return { ...request, binding: { ...request.binding, wrapKey: toBase64Url(thief.wrapKey.publicKey) } }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a receipt key the evidence does not bind',
    async (w, e) => {
      const request = await e.request(w)
      return { ...request, binding: { ...request.binding, receiptKey: toBase64Url(seed(3)) } }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a report of a KMS in place of an enclave',
    async (w, e) => {
      const request = await e.request(w)
      const posing = {
        ...request.binding,
        signingKey: request.binding.receiptKey,
        importKey: request.binding.wrapKey,
      }
      const evidence = await hardwareOf(w.workload).collectEvidence(bindReportData('kms', posing as never))
      return { ...request, evidence }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a report with one byte changed',
    async (w, e) => {
      const request = await e.request(w)
      const [piece] = request.evidence
      const report = fromBase64Url(piece!.evidence)
      const evidence = toBase64Url(report.with(0x90, report[0x90]! ^ 1))
      return { ...request, evidence: [{ ...piece!, evidence }] }
    },
    'KMS_EVIDENCE_REFUSED',
  ],
  [
    'a wrapping key that is no X-Wing key',
    (w, e) => e.request(w, { binding: { wrapKey: toBase64Url(new Uint8Array(1216).fill(255)) } }),
    'WRAP_FAILED',
  ],
  [
    'another checkpoint than the bound one',
    async (w, e) => {
      const request = await e.request(w)
      w.log.entries.push(utf8('more'))
      return { ...request, checkpoint: w.log.note() }
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint with too few witnesses',
    async (w, e) => {
      w.log.cosigning = 1
      const note = w.log.note()
      w.log.cosigning = 2
      return e.request(w, { note })
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint of another log',
    async (w, e) => {
      const text = checkpointText({ origin: 'evil.test', size: 1, root: seed(1) })
      return e.request(w, {
        note:
          signNote(text, { ...w.log.signer, name: 'evil.test' }) +
          w.log.witnesses.map((x) => cosign(text, x, w.now)).join(''),
      })
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint of another history, fully signed',
    async (w, e) => {
      const text = checkpointText({ origin: w.log.origin, size: 2, root: seed(1) })
      return e.request(w, {
        note: signNote(text, w.log.signer) + w.log.witnesses.map((x) => cosign(text, x, w.now)).join(''),
      })
    },
    'KMS_CHECKPOINT_INVALID',
  ],
  [
    'a checkpoint as old as the policy forbids',
    async (w, e) => {
      w.log.now = () => w.now - 86_401
      const note = w.log.note()
      w.log.now = () => w.now
      return e.request(w, { note })
    },
    'KMS_CHECKPOINT_STALE',
  ],
  ['a field nobody knows', async (w, e) => ({ ...(await e.request(w)), encrypted: false }), 'JCS_FIELD'],
  ['a missing field', async (w, e) => ({ ...(await e.request(w)), artifacts: undefined }), 'JCS_FIELD'],
  ['no evidence at all', () => Promise.resolve({}), 'JCS_FIELD'],
  ['no JSON', () => Promise.resolve('hello'), 'JCS_MALFORMED'],
  ['an unknown artifact', (w, e) => e.request(w, { artifacts: ['ab'.repeat(16)] }), 'KMS_NOT_ADMITTED'],
  [
    'an artifact twice',
    (w, e) => e.request(w, { artifacts: ['ab'.repeat(16), 'ab'.repeat(16)] }),
    'KMS_REQUEST_MALFORMED',
  ],
]

test(
  claim(['T1', 'T6', 'chain.policy'], 'refuses every request that is wrong in one way, and writes nothing'),
  async () => {
    const world = await World.ready()
    for (const [name, make, code] of REFUSALS) {
      const request = await make(world, new Enclave(world.workload))
      expect(await world.refusal('/v1/release', request), name).toBe(code)
    }
    expect(world.receipts).toEqual([])
  },
)

import { fromBase64Url } from '@sotto/protocol/bytes'
import {
  chargesOfRun,
  isTraining,
  type ReleaseCall,
  type RunCall,
  runInfo,
  runKeysDecoder,
  type RunReceipt,
  verifyRunPermit,
  verifyRunReceipt,
} from '@sotto/protocol/contract'
import { decodeDocument, documentDigest, unwrapSecret } from '@sotto/protocol/keyrelease'
import type { TrustedService } from '@sotto/verifier'
import { roomRoleError } from '../errors.ts'
import type { KmsCalls } from '../kms/kms-calls.ts'
import type { RunJob } from './run-job.ts'

/** Keys of a run, and the proof that it was charged. */
export interface ReleasedRun {
  /** Of each input of the plan, in its order. */
  contentKeys: Uint8Array[]
  /** Of a training: what all of its chance follows from, 32 bytes. */
  training?: Uint8Array
  receipt: RunReceipt
  /** Envelope of it. */
  receiptEnvelope: string
}

/** The KMS as this room verified it. */
export interface VerifiedForRun extends Pick<TrustedService, 'importKey'> {
  /** Statement keys of every boot that was verified for this run: what one of them stored, the next one answers with. */
  signingKeys: readonly Uint8Array[]
}

/**
 * Asks the KMS for the keys of a run, and judges its answer: signed by the KMS that was verified, for this run and this
 * room, charged with what the contract says, with a key for each input.
 * @throws `ROOM_KMS`, `ROOM_KMS_UNREACHABLE`
 */
export async function obtainRunKeys(
  { offer, shown, run, wrap, plan, named }: RunJob,
  consents: string[],
  kms: KmsCalls,
  { importKey, signingKeys }: VerifiedForRun,
): Promise<ReleasedRun> {
  const call: RunCall = { call: 'run', offer, consents, request: { ...shown, artifacts: [] } }
  const answer = await kms.run(call, importKey)
  try {
    const receipt = verifyRunReceipt(answer.receipt, { ...offer, run }, signingKeys)
    if (receipt.evidence !== offer.evidence || !plan.room.includes(receipt.image))
      throw new TypeError('the receipt is about another room')
    // Parties read in the receipt what a run has cost them: one that costs less is not the run they agreed on.
    if (documentDigest(receipt.charges) !== documentDigest(chargesOfRun(named.contract, offer)))
      throw new TypeError('the run was not charged with what the contract says')
    const plaintext = unwrapSecret(wrap, runInfo(offer, run), answer)
    const { artifacts, training } = decodeDocument(plaintext, runKeysDecoder, 'keys')
    plaintext.fill(0)
    const contentKeys = offer.inputs.map(({ artifact }) => {
      const key = artifacts.find(({ id }) => id === artifact)
      if (key === undefined) throw new TypeError('a key is missing')
      return fromBase64Url(key.contentKey)
    })
    const needed = isTraining(plan.transforms.at(-1)!.task)
    if (needed !== (training !== undefined)) throw new TypeError('a training, and nothing else, has a secret')
    return {
      contentKeys,
      receipt,
      receiptEnvelope: answer.receipt,
      ...(training !== undefined && { training: fromBase64Url(training) }),
    }
  } catch (cause) {
    throw roomRoleError('ROOM_KMS', 'what the KMS released is not for this run', { cause })
  }
}

/**
 * Asks the KMS whether a result may leave. What a party withdrew until now counts.
 * @returns the envelope of the permit
 * @throws `ROOM_KMS`, `ROOM_KMS_UNREACHABLE`
 */
export async function obtainPermit(
  { offer, run, named }: RunJob,
  { result, outputs, approvals }: { result: string; outputs: readonly Made[]; approvals: string[] },
  kms: KmsCalls,
  { importKey, signingKeys }: VerifiedForRun,
): Promise<string> {
  const call: ReleaseCall = { call: 'release', contract: named.digest, run, result, approvals }
  const permit = await kms.release(call, importKey)
  try {
    const document = verifyRunPermit(permit, { ...offer, run }, signingKeys)
    const isSame =
      document.outputs.length === outputs.length &&
      outputs.every(({ output, digest }, at) => {
        const permitted = document.outputs[at]!
        return permitted.output === output && permitted.digest === digest
      })
    if (!isSame) throw new TypeError('the permit is about other outputs')
    return permit
  } catch (cause) {
    throw roomRoleError('ROOM_KMS', 'what the KMS permits is not the result of this run', { cause })
  }
}

interface Made {
  output: string
  digest: string
}

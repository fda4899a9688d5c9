import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  MAX_CONTRACT_BYTES,
  type NamedContract,
  parseContract,
  encodeContract,
} from '@sotto/protocol/contract'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import { base64url, type Decoder, integer, literal, object, parseStrictJson, text } from '@sotto/protocol/jcs'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { type OfferedRun, offeredRunDecoder, type RunView, runViewDecoder } from '@sotto/protocol/room'
import { type TrustPolicy, type Verdict, verifyTrustBundle, refusingSteps } from '@sotto/verifier'
import { clientError } from '../../errors.ts'
import { type JudgedOffer, type JudgedRun, judgeOffer, judgeRun } from '../runs/judge.ts'
import { kmsKeys } from '../runs/kms-keys.ts'

/** All that proves a run later, offline, to whoever has the policy. It holds no data; who has the contract may have it. */
export interface RunProof {
  format: 'sotto-run-proof/1'
  /** Canonical text. */
  contract: string
  offered: OfferedRun
  view: RunView
  /** The trust bundle that was verified when the run was, base64url. */
  bundle: string
  /** When that was. */
  at: UnixSeconds
}

/** Largest proof, as JSON. */
export const MAX_PROOF_BYTES: number = 16 * 1024 * 1024
const MAX_BUNDLE_BYTES = 2 ** 20

const proofDecoder: Decoder<RunProof> = object<RunProof>({
  format: literal('sotto-run-proof/1'),
  contract: text(MAX_CONTRACT_BYTES),
  offered: offeredRunDecoder,
  view: runViewDecoder,
  bundle: base64url(1, MAX_BUNDLE_BYTES),
  at: integer(1),
})

/** What a proof was found to prove. */
export interface CheckedProof {
  named: NamedContract
  /** Of the trust bundle, at the time of the proof. */
  verdict: Verdict
  offer: JudgedOffer
  run: JudgedRun
}

/** Makes a proof of what was verified. */
export function runProof(
  { contract }: NamedContract,
  about: Pick<RunProof, 'offered' | 'view' | 'at'>,
  bundle: Uint8Array,
): RunProof {
  return {
    format: 'sotto-run-proof/1',
    contract: fromUtf8(encodeContract(contract)),
    ...about,
    bundle: toBase64Url(bundle),
  }
}

/** A proof from anywhere: its structure. @throws `ROOM_PROOF` */
export function parseRunProof(bytes: Uint8Array): RunProof {
  try {
    return proofDecoder(parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_PROOF_BYTES }), 'proof')
  } catch (cause) {
    throw clientError('ROOM_PROOF', 'this is no proof of a run', { cause, found: (cause as Error).message })
  }
}

/**
 * Checks a whole run from its proof, without a network: the deployment under the caller's policy at that time, the room's
 * evidence and the run against the contract, charge and permit of the KMS, and what the room says it made of what.
 * @throws `ROOM_OFFER`, `ROOM_PROOF`; codes of contracts and rooms
 */
export function checkRunProof(proof: RunProof, policy: TrustPolicy): CheckedProof {
  const named = parseContract(utf8(proof.contract))
  let bundle: ReturnType<typeof parseTrustBundle>
  try {
    bundle = parseTrustBundle(fromBase64Url(proof.bundle))
  } catch (cause) {
    throw clientError('ROOM_PROOF', 'the proof has no trust bundle', { cause })
  }
  const { verdict, service } = verifyTrustBundle(bundle, policy, { now: proof.at })
  if (service === undefined)
    throw clientError('ROOM_OFFER', 'the deployment did not pass the policy when the run was verified', {
      found: refusingSteps(verdict.steps)
        .map(({ name, reason }) => `${name}: ${reason}`)
        .join('; '),
    })
  // The offer was good when it was made: owners consented then.
  const offer = judgeOffer(named, proof.offered, { service, policy, now: proof.offered.offer.at })
  return {
    named,
    verdict,
    offer,
    run: judgeRun(named, proof.offered, proof.view, kmsKeys(proof.view, service, policy)),
  }
}

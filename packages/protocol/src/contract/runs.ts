/**
 * One run of a transform: what a room offers to do, what owners consent to, what the KMS releases keys for, and what it
 * is charged with.
 */
import {
  areDistinct,
  base64url,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
  text,
} from '../jcs/index.ts'
import { artifactId } from '../keyrelease/decode.ts'
import { XWING_PUBLIC_KEY_BYTES } from '../keyrelease/limits.ts'
import type { ArtifactId, Digest, Ed25519Key, UnixSeconds } from '../keyrelease/types.ts'
import { columnName, name } from './names.ts'
import type { Name } from './types.ts'

/** Value of a template's parameter, as text: `true`, `-12`, `0.5`, `2026-11-29`, or the text itself. */
export interface Argument {
  name: string
  value: string
}

/** Sealed bytes that a run reads for an input. */
export interface RunInput {
  input: Name
  artifact: ArtifactId
  /** Digest of the manifest inside. */
  content: Digest
}

/**
 * What a room is about to do, made by the room for this run alone. Its digest names the run. Owners verify the evidence of
 * the room that has these keys, and then consent to exactly this.
 */
export interface RunOffer {
  format: 'sotto-room-run/1'
  genesis: Digest
  contract: Digest
  transform: Name
  /** With a task of queries: which one. */
  template?: Name
  arguments: Argument[]
  /**
   * Of a training: the run whose steps it goes on with. That one was charged, and nothing of it has left; this one has the
   * same inputs, is charged nothing, and one result of both leaves.
   */
  resumes?: Digest
  /** One for each input that the run reads, in the order of the contract. */
  inputs: RunInput[]
  /** X-Wing public key of this run, base64url, as the room's evidence binds it: keys are wrapped to nothing else. */
  wrapKey: string
  /** Ed25519: signs what the room says of this run. */
  receiptKey: Ed25519Key
  /** `evidenceDigest` of what the room shows. */
  evidence: Digest
  /** 16 random bytes, hexadecimal: no two runs are the same. */
  nonce: string
  at: UnixSeconds
  /** From then on the KMS releases nothing for it: at most a day after `at`. */
  notAfter: UnixSeconds
}

/** "We verified that room, and consent to that run." */
export interface RunConsent {
  format: 'sotto-room-run-consent/1'
  genesis: Digest
  contract: Digest
  run: Digest
  party: Name
  at: UnixSeconds
}

/** What a run takes of the budget of one edge. */
export interface Charge {
  input: Name
  transform: Name
  runs: 1
  /** In millionths. Absent: nothing private is spent. */
  epsilonMicros?: number
  /** In 10^-12, beside an epsilon that has one. */
  deltaTrillionths?: number
}

/** "This output may be released", of an owner who reviews. */
export interface OutputApproval {
  format: 'sotto-room-output-approval/1'
  genesis: Digest
  contract: Digest
  run: Digest
  output: Name
  /** SHA-256 of the output that the owner looked at. */
  digest: Digest
  party: Name
  verdict: 'release' | 'refuse'
  at: UnixSeconds
}

const MAX_OFFER_SECONDS = 86_400

/** Decodes a {@link Charge}. @throws `JCS_FIELD` */
export const chargeDecoder: Decoder<Charge> = members<Charge>(
  { input: name, transform: name, runs: literal(1) },
  { epsilonMicros: integer(1), deltaTrillionths: integer(1) },
)

/** Decodes a {@link RunOffer}. @throws `JCS_FIELD` */
export const runOfferDecoder: Decoder<RunOffer> = refine(
  members<RunOffer>(
    {
      format: literal('sotto-room-run/1'),
      genesis: hex(32),
      contract: hex(32),
      transform: name,
      arguments: list(object({ name: columnName, value: text(4096) }), 0, 32),
      inputs: list(object({ input: name, artifact: artifactId, content: hex(32) }), 1, 64),
      wrapKey: base64url(XWING_PUBLIC_KEY_BYTES),
      receiptKey: base64url(32),
      evidence: hex(32),
      nonce: hex(16),
      at: integer(1),
      notAfter: integer(1),
    },
    { template: name, resumes: hex(32) },
  ),
  (offer) => {
    if (offer.notAfter <= offer.at || offer.notAfter - offer.at > MAX_OFFER_SECONDS)
      return 'it ends before it begins, or lasts longer than a day'
    const named = [
      offer.inputs.map(({ input }) => input),
      offer.inputs.map(({ artifact }) => artifact),
      offer.arguments.map((one) => one.name.toLowerCase()),
    ]
    return named.every(areDistinct) ? undefined : 'something is named twice'
  },
)

const signed = { genesis: hex(32), contract: hex(32), run: hex(32), party: name, at: integer(1) }

/** Decodes a {@link RunConsent}. @throws `JCS_FIELD` */
export const runConsentDecoder: Decoder<RunConsent> = object<RunConsent>({
  format: literal('sotto-room-run-consent/1'),
  ...signed,
})

/** Decodes an {@link OutputApproval}. @throws `JCS_FIELD` */
export const outputApprovalDecoder: Decoder<OutputApproval> = object<OutputApproval>({
  format: literal('sotto-room-output-approval/1'),
  ...signed,
  output: name,
  digest: hex(32),
  verdict: oneOf('release', 'refuse'),
})

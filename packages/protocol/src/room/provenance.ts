/**
 * Where outputs of a run come from: an in-toto statement (Statement v1, DSSE) that the room signs with the receipt key of
 * the run. It names digests, figures and no data. What it says of keys and budgets is the room's word; beside it stand the
 * KMS's receipt and permit, which name the same run.
 */
import { fromBase64Url, fromUtf8, utf8 } from '../bytes/index.ts'
import type { Charge, Name } from '../contract/index.ts'
import { name } from '../contract/names.ts'
import { chargeDecoder } from '../contract/runs.ts'
import {
  type DsseEnvelope,
  type DsseSigner,
  parseDsse,
  type PreparedSigner,
  signDsse,
  verifySoleDsse,
} from '../dsse/index.ts'
import {
  areDistinct,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
} from '../jcs/index.ts'
import { artifactId } from '../keyrelease/decode.ts'
import { decodeDocument, type Digest, encodeDocument, PAYLOAD_TYPES } from '../keyrelease/index.ts'
import type { ArtifactId, Ed25519Key, UnixSeconds } from '../keyrelease/types.ts'
import { roomError } from './errors.ts'

export const RUN_PREDICATE = 'https://sotto.dev/rooms/run/v1'

/** One thing that a run read. */
export interface ProvenanceInput {
  input: Name
  artifact: ArtifactId
  /** SHA-256 of the sealed file. */
  sealed: Digest
  /** Digest of the manifest inside. */
  content: Digest
  /** Of models: digest of the model's own manifest, as receipts of inference name it. */
  model?: Digest
}

/** One step of a run. */
export interface ProvenanceStep {
  transform: Name
  kind: 'sql' | 'infer' | 'wasm' | 'container' | 'train' | 'finetune'
  /** SHA-256 of the canonical task: prompt, settings, queries, limits. */
  task: Digest
  /** Longest passage, in words, that the result repeats of a text whose owner bounds that. */
  commonWords?: number
  /** Of a training: what was trained, and what is guaranteed for those whose rows it read. */
  training?: ProvenanceTraining
}

/** A training, in figures that its contract lets out. */
export interface ProvenanceTraining {
  /** Steps that were made, or rounds of trees. */
  steps: number
  /** `digestOfGraph` of a step; absent of trees. */
  graph?: Digest
  /** As charged: epsilon in millionths, delta in 10^-12. Absent: nothing is guaranteed. */
  epsilonMicros?: number
  deltaTrillionths?: number
}

/** The in-toto statement of a run. */
export interface RunProvenance {
  _type: 'https://in-toto.io/Statement/v1'
  /** Each output, by the digest that its receivers and reviewers know (`outputDigest`). */
  subject: { name: Name; digest: { sha256: Digest } }[]
  predicateType: typeof RUN_PREDICATE
  predicate: {
    genesis: Digest
    contract: Digest
    run: Digest
    inputs: ProvenanceInput[]
    steps: ProvenanceStep[]
    /** Image and evidence that the KMS admitted, and what it charged, as its receipt says. */
    image: Digest
    evidence: Digest
    charges: Charge[]
    /** The n-th run of the contract. */
    sequence: number
    /** Envelopes of the KMS, by their SHA-256. */
    receipt: Digest
    permit: Digest
    startedAt: UnixSeconds
    finishedAt: UnixSeconds
  }
}

const training: Decoder<ProvenanceTraining> = members<ProvenanceTraining>(
  { steps: integer(0) },
  { graph: hex(32), epsilonMicros: integer(1), deltaTrillionths: integer(1) },
)

/** Decodes a {@link RunProvenance}. @throws `JCS_FIELD` */
export const runProvenanceDecoder: Decoder<RunProvenance> = refine(
  object<RunProvenance>({
    _type: literal('https://in-toto.io/Statement/v1'),
    subject: list(object({ name, digest: object({ sha256: hex(32) }) }), 1, 64),
    predicateType: literal(RUN_PREDICATE),
    predicate: object<RunProvenance['predicate']>({
      genesis: hex(32),
      contract: hex(32),
      run: hex(32),
      inputs: list(
        members<ProvenanceInput>(
          { input: name, artifact: artifactId, sealed: hex(32), content: hex(32) },
          { model: hex(32) },
        ),
        1,
        64,
      ),
      steps: list(
        members<ProvenanceStep>(
          {
            transform: name,
            kind: oneOf('sql', 'infer', 'wasm', 'container', 'train', 'finetune'),
            task: hex(32),
          },
          { commonWords: integer(0), training },
        ),
        1,
        32,
      ),
      image: hex(32),
      evidence: hex(32),
      charges: list(chargeDecoder, 0, 2048),
      sequence: integer(1),
      receipt: hex(32),
      permit: hex(32),
      startedAt: integer(1),
      finishedAt: integer(1),
    }),
  }),
  ({ subject, predicate: { inputs, steps } }) => {
    const named = [
      subject.map((one) => one.name),
      inputs.map((one) => one.input),
      steps.map((one) => one.transform),
    ]
    return named.every(areDistinct) ? undefined : 'something is named twice'
  },
)

/** Signs where the outputs of a run come from. @param room signer of the run's receipt key */
export function signRunProvenance(statement: RunProvenance, room: DsseSigner | PreparedSigner): string {
  return fromUtf8(signDsse(PAYLOAD_TYPES.release, encodeDocument(statement), [room]))
}

/**
 * What the room of a run, and nobody else, says of where its outputs come from.
 * @throws `ROOM_DOCUMENT`, `ROOM_SIGNATURE`, `ROOM_OTHER`
 */
export function verifyRunProvenance(
  envelope: string,
  { run, receiptKey }: { run: Digest; receiptKey: Ed25519Key },
): RunProvenance {
  let parsed: DsseEnvelope
  let statement: RunProvenance
  try {
    parsed = parseDsse(utf8(envelope))
    statement = decodeDocument(parsed.payload, runProvenanceDecoder, 'provenance')
  } catch (cause) {
    throw roomError('ROOM_DOCUMENT', 'this is no provenance of a run', { cause })
  }
  try {
    verifySoleDsse(parsed, PAYLOAD_TYPES.release, [fromBase64Url(receiptKey)])
  } catch (cause) {
    throw roomError('ROOM_SIGNATURE', 'the room of this run did not sign its provenance', { cause })
  }
  if (statement.predicate.run === run) return statement
  throw roomError('ROOM_OTHER', 'the provenance is of another run', {
    expected: run,
    found: statement.predicate.run,
  })
}

/** What a KMS signs about runs, as rooms and parties read it. */
import { utf8 } from '../bytes/index.ts'
import { parseDsse, verifySoleDsse } from '../dsse/index.ts'
import {
  areDistinct,
  base64url,
  type Decoder,
  hex,
  integer,
  label,
  list,
  literal,
  members,
  object,
  refine,
  text,
} from '../jcs/index.ts'
import { artifactId, tupleName, wrapEnc } from '../keyrelease/decode.ts'
import { decodeDocument, type Digest } from '../keyrelease/index.ts'
import {
  type MadeOutput,
  RUN_TYPES,
  type RunAnswer,
  type RunKeys,
  type RunPermit,
  type RunReceipt,
  type RunResult,
  runResultDecoder,
} from './calls.ts'
import { contractError } from './errors.ts'
import { name } from './names.ts'
import { chargeDecoder } from './runs.ts'

const MAX_INPUTS = 64
const MAX_OUTPUTS = 64
const MAX_CHARGES = 2048
const MAX_HARDWARE = 64
const envelope = text(65_535)

/** Decodes a {@link RunAnswer}. @throws `JCS_FIELD` */
export const runAnswerDecoder: Decoder<RunAnswer> = object<RunAnswer>({
  enc: wrapEnc,
  wrapped: base64url(16, 65_536),
  receipt: envelope,
})

/** Decodes {@link RunKeys}. @throws `JCS_FIELD` */
export const runKeysDecoder: Decoder<RunKeys> = members<RunKeys>(
  { artifacts: list(object({ id: artifactId, contentKey: base64url(32) }), 1, MAX_INPUTS) },
  { training: base64url(32) },
)

/** Decodes the answer to a release call. @throws `JCS_FIELD` */
export const permitAnswerDecoder: Decoder<{ permit: string }> = object({ permit: envelope })

const made: Decoder<MadeOutput> = object<MadeOutput>({
  output: name,
  digest: hex(32),
  bytes: integer(0, 2 ** 32),
})
const about = { genesis: hex(32), contract: hex(32), run: hex(32) }

const receiptDecoder: Decoder<RunReceipt> = object<RunReceipt>({
  format: literal('sotto-run-receipt/1'),
  ...about,
  tuple: tupleName,
  image: hex(32),
  evidence: hex(32),
  hardware: list(label(256), 1, MAX_HARDWARE),
  charges: list(chargeDecoder, 0, MAX_CHARGES),
  sequence: integer(1),
  issuedAt: integer(1),
})

const permitDecoder: Decoder<RunPermit> = refine(
  object<RunPermit>({
    format: literal('sotto-run-permit/1'),
    ...about,
    outputs: list(made, 1, MAX_OUTPUTS),
    issuedAt: integer(1),
  }),
  ({ outputs }) =>
    areDistinct(outputs.map(({ output }) => output)) ? undefined : 'an output is named twice',
)

/** Which run a statement has to be about. */
export interface OfRun {
  genesis: Digest
  contract: Digest
  run: Digest
}

/**
 * "The keys of this run went to this room, and its budgets are charged." Nobody else has signed it: it has one digest.
 * @param keys of the KMS's statements, 32 bytes each: of this boot, and of those before that are proven to be its own
 * @throws `CONTRACT_MALFORMED`, `CONTRACT_SIGNATURE`, `CONTRACT_OTHER`
 */
export function verifyRunReceipt(signed: string, of: OfRun, keys: readonly Uint8Array[]): RunReceipt {
  return verify(signed, of, keys, {
    what: 'receipt of a run',
    type: RUN_TYPES.receipt,
    decoder: receiptDecoder,
  })
}

/**
 * "These outputs may be sealed to their receivers."
 * @param keys of the KMS's statements, 32 bytes each: of this boot, and of those before that are proven to be its own
 * @throws as {@link verifyRunReceipt}
 */
export function verifyRunPermit(signed: string, of: OfRun, keys: readonly Uint8Array[]): RunPermit {
  return verify(signed, of, keys, { what: 'permit of a run', type: RUN_TYPES.permit, decoder: permitDecoder })
}

/**
 * What the room of a run says that it made.
 * @param keys the receipt key of the run's offer, 32 bytes
 * @throws as {@link verifyRunReceipt}
 */
export function verifyRunResult(signed: string, of: OfRun, keys: readonly Uint8Array[]): RunResult {
  return verify(signed, of, keys, {
    what: 'result of a run',
    type: RUN_TYPES.result,
    decoder: runResultDecoder,
  })
}

function verify<T extends OfRun>(
  signed: string,
  { genesis, contract, run }: OfRun,
  keys: readonly Uint8Array[],
  { what, type, decoder }: { what: string; type: string; decoder: Decoder<T> },
): T {
  let parsed: ReturnType<typeof parseDsse>
  let document: T
  try {
    parsed = parseDsse(utf8(signed))
    document = decodeDocument(parsed.payload, decoder, 'statement')
  } catch (cause) {
    throw contractError('CONTRACT_MALFORMED', `this is no ${what}`, { cause })
  }
  try {
    verifySoleDsse(parsed, type, keys)
  } catch (cause) {
    throw contractError('CONTRACT_SIGNATURE', `another key signed the ${what}, or one more`, { cause })
  }
  if (document.genesis === genesis && document.contract === contract && document.run === run) return document
  throw contractError('CONTRACT_OTHER', `the ${what} is about another run`, {
    expected: `${genesis} ${contract} ${run}`,
    found: `${document.genesis} ${document.contract} ${document.run}`,
  })
}

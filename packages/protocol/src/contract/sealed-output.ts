/**
 * How a result leaves a room: sealed once, with its key wrapped to each receiver, and a statement that every party can
 * check and only receivers can open.
 */
import { fromBase64Url, fromUtf8, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import {
  type DsseSigner,
  pae,
  parseDsse,
  type PreparedSigner,
  signDsse,
  verifySoleDsse,
} from '../dsse/index.ts'
import type { KemPrivateKey } from '../hpke/index.ts'
import { canonicalJson, base64url, type Decoder, hex, integer, list, literal, object } from '../jcs/index.ts'
import { artifactId, wrapEnc } from '../keyrelease/decode.ts'
import { decodeDocument, encodeDocument, unwrapSecret, wrapSecret } from '../keyrelease/index.ts'
import type { ArtifactId, Digest, Ed25519Key } from '../keyrelease/types.ts'
import { MAX_PARTIES } from './decode.ts'
import { contractError } from './errors.ts'
import { name } from './names.ts'
import type { Name, Party } from './types.ts'

/** DSSE payload type of a {@link SealedOutput}, signed with the receipt key of the run. */
export const OUTPUT_TYPE = 'application/vnd.sotto.room-output+json'

/** The content key of an output, for one receiver. */
export interface OutputKey {
  party: Name
  /** HPKE (X-Wing, HKDF-SHA256, AES-256-GCM) to the party's `sealTo`. */
  enc: string
  wrapped: string
}

/** "These sealed bytes are this output of this run, for these parties." */
export interface SealedOutput {
  format: 'sotto-room-output/1'
  genesis: Digest
  contract: Digest
  run: Digest
  output: Name
  /** See {@link outputDigest}: what the KMS permitted, and what reviewers saw. */
  digest: Digest
  /** Of the output in clear. */
  bytes: number
  /** Identifier in the sealed header. */
  artifact: ArtifactId
  /** SHA-256 of the sealed file. */
  sealed: Digest
  keys: OutputKey[]
}

/** What is inside, besides the output: metadata of the sealed file. */
export interface OutputMetadata {
  format: 'sotto-room-output-content/1'
  run: Digest
  output: Name
  /** 32 random bytes, base64url: without them nobody guesses the output by its digest. */
  salt: string
}

const sealedOutputDecoder: Decoder<SealedOutput> = object<SealedOutput>({
  format: literal('sotto-room-output/1'),
  genesis: hex(32),
  contract: hex(32),
  run: hex(32),
  output: name,
  digest: hex(32),
  bytes: integer(0, 2 ** 32),
  artifact: artifactId,
  sealed: hex(32),
  keys: list(object<OutputKey>({ party: name, enc: wrapEnc, wrapped: base64url(48) }), 1, MAX_PARTIES),
})

const metadataDecoder: Decoder<OutputMetadata> = object<OutputMetadata>({
  format: literal('sotto-room-output-content/1'),
  run: hex(32),
  output: name,
  salt: base64url(32),
})

/** A digest of an output that tells nobody what it is. @param pieces of the output, in order */
export function outputDigest(salt: Uint8Array, pieces: Iterable<Uint8Array>): Digest {
  const hash = publicCrypto.createHash('sha256')
  hash.update(salt)
  for (const piece of pieces) hash.update(piece)
  return toHex(hash.digest())
}

/** Which output a wrapped key is of: ties it to its receiver too. */
export type OutputOf = Pick<SealedOutput, 'genesis' | 'contract' | 'run' | 'output' | 'artifact'>

/** Wraps an output's content key to each receiver and to nobody else. @throws `WRAP_FAILED` */
export function wrapOutputKeys(
  of: OutputOf,
  receivers: readonly Party[],
  contentKey: Uint8Array,
): OutputKey[] {
  return receivers.map(({ name: party, sealTo }) => ({
    party,
    ...wrapSecret(sealTo, outputInfo(of, party), contentKey),
  }))
}

/**
 * The content key of an output for one of its receivers.
 * @throws `CONTRACT_PARTY` it is not for that party; `WRAP_FAILED`
 */
export function openOutputKey(sealed: SealedOutput, party: Name, key: KemPrivateKey): Uint8Array {
  const own = sealed.keys.find((one) => one.party === party)
  if (own === undefined)
    throw contractError('CONTRACT_PARTY', 'the output is sealed to other parties', {
      expected: sealed.keys.map((one) => one.party).join(', '),
      found: party,
    })
  return unwrapSecret(key, outputInfo(sealed, party), own)
}

function outputInfo({ genesis, contract, run, output, artifact }: OutputOf, party: Name): Uint8Array {
  const about = { genesis, contract, run, output, artifact, party }
  return pae('application/vnd.sotto.room-output-wrap+json', canonicalJson(about))
}

/** Signs a sealed output as the room of a run. @returns its envelope */
export function signSealedOutput(sealed: SealedOutput, room: DsseSigner | PreparedSigner): string {
  return fromUtf8(signDsse(OUTPUT_TYPE, encodeDocument(sealed), [room]))
}

/**
 * A sealed output that the room of a run made.
 * @param receiptKey of the run's offer
 * @throws `CONTRACT_MALFORMED`, `CONTRACT_SIGNATURE`, `CONTRACT_OTHER`
 */
export function verifySealedOutput(
  envelope: string,
  { run, receiptKey }: { run: Digest; receiptKey: Ed25519Key },
): SealedOutput {
  let parsed: ReturnType<typeof parseDsse>
  let sealed: SealedOutput
  try {
    parsed = parseDsse(utf8(envelope))
    sealed = decodeDocument(parsed.payload, sealedOutputDecoder, 'output')
  } catch (cause) {
    throw contractError('CONTRACT_MALFORMED', 'this is no output of a room', { cause })
  }
  try {
    verifySoleDsse(parsed, OUTPUT_TYPE, [fromBase64Url(receiptKey)])
  } catch (cause) {
    throw contractError('CONTRACT_SIGNATURE', 'the room of this run did not sign the output', { cause })
  }
  if (sealed.run === run) return sealed
  throw contractError('CONTRACT_OTHER', 'the output is of another run', { expected: run, found: sealed.run })
}

/** Metadata of a sealed output. */
export function encodeOutputMetadata(metadata: OutputMetadata): string {
  return fromUtf8(canonicalJson(metadata))
}

/**
 * That opened bytes are the output that was stated.
 * @param metadata of the sealed file, as it was opened
 * @returns what it says
 * @throws `CONTRACT_MALFORMED`, `CONTRACT_OTHER`
 */
export function requireOutput(metadata: string, content: Uint8Array, sealed: SealedOutput): OutputMetadata {
  let inside: OutputMetadata
  try {
    inside = decodeDocument(utf8(metadata), metadataDecoder, 'metadata')
  } catch (cause) {
    throw contractError('CONTRACT_MALFORMED', 'what was sealed is no output of a room', { cause })
  }
  const isIt =
    inside.run === sealed.run &&
    inside.output === sealed.output &&
    content.length === sealed.bytes &&
    outputDigest(fromBase64Url(inside.salt), [content]) === sealed.digest
  if (isIt) return inside
  throw contractError('CONTRACT_OTHER', 'what was sealed is not the output that was stated')
}

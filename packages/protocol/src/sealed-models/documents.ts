import { fromBase64Url, fromUtf8, utf8 } from '../bytes/index.ts'
import { type DsseEnvelope, parseDsse, type DsseSigner, signDsse, verifyDsse } from '../dsse/index.ts'
import type { Decoder } from '../jcs/index.ts'
import { decodeDocument, type Digest, documentDigest, encodeDocument } from '../keyrelease/index.ts'
import { leafHash, verifyInclusion } from '../merkle/index.ts'
import { type CheckpointRequirements, type VerifiedCheckpoint, verifyCheckpoint } from '../note/index.ts'
import { proofHashes } from '../evidence/index.ts'
import {
  keysReceiptDecoder,
  modelRemovalDecoder,
  modelStatementDecoder,
  uploadIntentDecoder,
} from './decode.ts'
import { sealedModelError } from './errors.ts'
import { ownerTag, type ModelName } from './name.ts'
import {
  KEYS_RECEIPT_TYPE,
  type KeysReceipt,
  type LoggedModelDocument,
  MODEL_TYPES,
  type ModelRemoval,
  type ModelStatement,
  type UploadIntent,
} from './types.ts'

/**
 * How far ahead of a registry's or KMS's clock what an owner made may be, in seconds: what covers everything made until
 * then must not cover what nobody has made yet. Clocks that are kept by NTP differ by far less.
 */
export const MAX_AHEAD_SECONDS = 10

/** Each kind of owner's document. */
export interface OwnerDocuments {
  statement: ModelStatement
  removal: ModelRemoval
  upload: UploadIntent
}

const DECODERS: { [Kind in keyof OwnerDocuments]: Decoder<OwnerDocuments[Kind]> } = {
  statement: modelStatementDecoder,
  removal: modelRemovalDecoder,
  upload: uploadIntentDecoder,
}

/** Signs an owner's document: canonical JSON of its envelope, for statements and removals exactly the log entry. */
export function signOwnerDocument<Kind extends keyof OwnerDocuments>(
  kind: Kind,
  document: OwnerDocuments[Kind],
  owner: DsseSigner,
): string {
  return fromUtf8(signDsse(MODEL_TYPES[kind], encodeDocument(document), [owner]))
}

/**
 * A document that the owner it names signed for this deployment. Whether that owner may do anything here, and
 * whether it is in the log, is another question.
 *
 * @param envelope bytes or text from anywhere
 * @throws `MODEL_DOCUMENT`, `MODEL_SIGNATURE`, `MODEL_DEPLOYMENT`
 */
export function verifyOwnerDocument<Kind extends keyof OwnerDocuments>(
  kind: Kind,
  envelope: Uint8Array | string,
  genesis: Digest,
): OwnerDocuments[Kind] {
  let parsed: DsseEnvelope
  let document: OwnerDocuments[Kind]
  try {
    parsed = parseDsse(typeof envelope === 'string' ? utf8(envelope) : envelope)
    document = decodeDocument(parsed.payload, DECODERS[kind], kind)
  } catch (cause) {
    throw sealedModelError('MODEL_DOCUMENT', `this is no ${kind} of a model's owner`, { cause })
  }
  try {
    verifyDsse(parsed, MODEL_TYPES[kind], [fromBase64Url(document.owner)])
  } catch (cause) {
    throw sealedModelError('MODEL_SIGNATURE', `the owner that the ${kind} names did not sign it`, { cause })
  }
  if (document.genesis !== genesis)
    throw sealedModelError('MODEL_DEPLOYMENT', `the ${kind} is meant for another deployment`, {
      expected: genesis,
      found: document.genesis,
    })
  return document
}

/** What a reader of logged documents pins. */
export interface ModelReader {
  genesis: Digest
  log: CheckpointRequirements
}

/**
 * A document that its owner signed and that provably is in the witnessed log.
 * @throws the codes of {@link verifyOwnerDocument}; `NOTE_MALFORMED`, `NOTE_SIGNATURE`, `NOTE_QUORUM`, `MERKLE_INCLUSION`
 */
export function verifyLoggedDocument<Kind extends 'statement' | 'removal'>(
  kind: Kind,
  logged: LoggedModelDocument,
  { genesis, log }: ModelReader,
): { document: OwnerDocuments[Kind]; checkpoint: VerifiedCheckpoint } {
  const document = verifyOwnerDocument(kind, logged.envelope, genesis)
  const checkpoint = verifyCheckpoint(logged.checkpoint, log)
  const leaf = leafHash(utf8(logged.envelope))
  verifyInclusion(leaf, logged.index, checkpoint.size, proofHashes(logged.proof), checkpoint.root)
  return { document, checkpoint }
}

/** What a receipt must be about. */
export interface KeysReceiptContext {
  genesis: Digest
  /** The KMS's statement key, as its verified evidence binds it. */
  signingKey: Uint8Array
  /** Envelope of the removal that was sent. */
  removal: string
}

/**
 * What the KMS did with the keys of a model: signed by it, for this very removal.
 * @throws `MODEL_DOCUMENT`, `MODEL_RECEIPT`
 */
export function verifyKeysReceipt(
  envelope: string,
  { genesis, signingKey, removal }: KeysReceiptContext,
): KeysReceipt {
  let parsed: DsseEnvelope
  let receipt: KeysReceipt
  try {
    parsed = parseDsse(utf8(envelope))
    receipt = decodeDocument(parsed.payload, keysReceiptDecoder, 'receipt')
  } catch (cause) {
    throw sealedModelError('MODEL_DOCUMENT', 'this is no receipt of a KMS for content keys', { cause })
  }
  try {
    verifyDsse(parsed, KEYS_RECEIPT_TYPE, [signingKey])
  } catch (cause) {
    throw sealedModelError('MODEL_RECEIPT', 'the KMS that was verified did not sign the receipt', {
      hint: 'If the KMS was started anew meanwhile, connect again and repeat the removal: that changes nothing.',
      cause,
    })
  }
  const expected = documentDigest(utf8(removal))
  if (receipt.genesis === genesis && receipt.removal === expected) return receipt
  throw sealedModelError('MODEL_RECEIPT', 'the receipt is for another removal', {
    expected: `${genesis} ${expected}`,
    found: `${receipt.genesis} ${receipt.removal}`,
  })
}

/**
 * The statement is of the model that was asked for: a registry chooses what it answers.
 * @throws `MODEL_SUBSTITUTED`
 */
export function requireAskedFor(statement: ModelStatement, { tag, name, version }: ModelName): void {
  if (
    ownerTag(statement.owner) !== tag ||
    statement.name !== name ||
    (version !== undefined && statement.version !== version)
  ) {
    throw sealedModelError('MODEL_SUBSTITUTED', 'the registry answered with another model', {
      expected: `${tag}/${name}${version === undefined ? '' : `:${version}`}`,
      found: `${ownerTag(statement.owner)}/${statement.name}:${statement.version}`,
    })
  }
}

/** Whether a removal ends a statement, whenever either is shown. */
export function isRemovedBy(statement: ModelStatement, removal: ModelRemoval): boolean {
  return (
    removal.genesis === statement.genesis &&
    removal.owner === statement.owner &&
    removal.name === statement.name &&
    (removal.version === 'all' || removal.version === statement.version) &&
    statement.createdAt <= removal.createdAt
  )
}

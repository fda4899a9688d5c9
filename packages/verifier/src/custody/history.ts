import { fromBase64Url, fromUtf8 } from '@sotto/protocol/bytes'
import {
  CUSTODY_TYPES,
  MAX_RECOVERY_RELEASES,
  MAX_SUCCESSIONS,
  type RecoverySession,
  recoverySessionDecoder,
  rootSuccessionDecoder,
  shareAcknowledgementDecoder,
  type ShareSet,
  shareSetDecoder,
} from '@sotto/protocol/custody'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  decodeDocument,
  type Digest,
  documentDigest,
  type Ed25519Key,
  type Genesis,
  genesisDecoder,
  kmsCertificateDecoder,
  type LoggedStatement,
  PAYLOAD_TYPES,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'

/** Sessions remembered: whoever may append can claim many, and only recent ones are asked about. */
const MAX_SESSIONS = 256

/** One logged share set with what belongs to it. */
export interface LoggedShareSet {
  statement: LoggedStatement
  document: ShareSet
  /** Certificate of the key that signed it. */
  certificate: LoggedStatement
  /** By index. */
  acknowledgements: ReadonlyMap<number, LoggedStatement>
}

/**
 * What the log alone says about a KMS and its root: genesis, successions, certificates, share sets,
 * acknowledgements, releases. Entries are read in order; those of anybody else are skipped.
 */
export class RootHistory {
  readonly digest: Digest
  /** Of the genesis, once its entry was read. */
  genesis: LoggedStatement | undefined
  document: Genesis | undefined
  /** Successions, oldest first. */
  readonly roots: LoggedStatement[] = []
  /** Release statements of role kms, newest first. */
  readonly releases: LoggedStatement[] = []
  /** Sessions in which a KMS of this genesis asked for shares; anybody may claim to be one. */
  readonly sessions: { document: RecoverySession; index: number }[] = []
  readonly #releaseKeys: readonly Ed25519Key[] | undefined
  readonly #certificates = new Map<Ed25519Key, LoggedStatement>()
  #sets: LoggedShareSet[] = []
  #rootKey: Ed25519Key | undefined

  /**
   * @param releaseKeys whose release statements are kept: a custodian's own choice. Default: those of the genesis,
   * which members may have replaced since
   */
  constructor(digest: Digest, releaseKeys?: readonly Ed25519Key[]) {
    this.digest = digest
    this.#releaseKeys = releaseKeys
  }

  /** The root key in force. */
  get rootKey(): Ed25519Key | undefined {
    return this.#rootKey
  }

  /** Statement keys by which the log's later statements of this KMS are signed. */
  get statementKeys(): Ed25519Key[] {
    return [...this.#certificates.keys()]
  }

  /**
   * The share set that counts: the newest of the root key in force whose shares enough custodians said they
   * could open; before the first of those, the newest.
   */
  get shareSet(): LoggedShareSet | undefined {
    const sets = this.#sets.filter(({ document }) => document.rootKey === this.#rootKey)
    const isOpenable = ({ document, acknowledgements }: LoggedShareSet): boolean =>
      acknowledgements.size >= document.threshold
    return sets.findLast(isOpenable) ?? sets.at(-1)
  }

  /** Of the newest share set of any root key; 0 before the first. The next one has to be higher. */
  get generation(): number {
    return this.#sets.at(-1)?.document.generation ?? 0
  }

  /** The newest share set of the root key in force, whoever said that it opens. */
  get newest(): LoggedShareSet | undefined {
    return this.#sets.findLast(({ document }) => document.rootKey === this.#rootKey)
  }

  /** The newest share set of all: of the root key in force, or of the next one, which waits until its custodians can open theirs. */
  get offered(): LoggedShareSet | undefined {
    return this.#sets.at(-1)
  }

  /** Takes the entry at `index` into account. */
  read(index: number, entry: Uint8Array): void {
    const envelope = tryParse(entry)
    if (envelope === undefined) return
    const statement = { envelope: fromUtf8(entry), index }
    if (this.document === undefined) return this.#readGenesis(envelope, statement)
    READERS[envelope.payloadType]?.call(this, envelope, statement)
  }

  #readGenesis(envelope: DsseEnvelope, statement: LoggedStatement): void {
    if (envelope.payloadType !== PAYLOAD_TYPES.genesis || documentDigest(envelope.payload) !== this.digest)
      return
    const document = attempt(() => decodeDocument(envelope.payload, genesisDecoder, 'genesis'))
    if (document === undefined || verified(envelope, [document.rootKey], genesisDecoder) === undefined) return
    this.genesis = statement
    this.document = document
    this.#rootKey = document.rootKey
  }

  readSuccession(envelope: DsseEnvelope, statement: LoggedStatement): void {
    const succession = attempt(() => decodeDocument(envelope.payload, rootSuccessionDecoder, 'succession'))
    if (succession?.genesis !== this.digest || succession.previousKey !== this.#rootKey) return
    const keys = [succession.previousKey, succession.rootKey]
    if (verified(envelope, keys, rootSuccessionDecoder, 2) === undefined) return
    if (succession.sequence !== this.roots.length + 1 || this.roots.length >= MAX_SUCCESSIONS) return
    this.roots.push(statement)
    this.#rootKey = succession.rootKey
  }

  readCertificate(envelope: DsseEnvelope, statement: LoggedStatement): void {
    const certificate = verified(envelope, [this.#rootKey!], kmsCertificateDecoder)
    if (certificate?.genesis === this.digest) this.#certificates.set(certificate.signingKey, statement)
  }

  readShareSet(envelope: DsseEnvelope, statement: LoggedStatement): void {
    for (const [key, certificate] of this.#certificates) {
      const document = verified(envelope, [key], shareSetDecoder)
      if (document === undefined) continue
      if (document.genesis !== this.digest || document.generation <= this.generation) return
      this.#sets = [...this.#sets, { statement, document, certificate, acknowledgements: new Map() }]
      return
    }
  }

  readAcknowledgement(envelope: DsseEnvelope, statement: LoggedStatement): void {
    this.#sets = this.#sets.map((set) => withAcknowledgement(set, envelope, statement))
  }

  readSession(envelope: DsseEnvelope, { index }: LoggedStatement): void {
    const document = attempt(() => decodeDocument(envelope.payload, recoverySessionDecoder, 'session'))
    if (document?.genesis !== this.digest) return
    this.sessions.push({ document, index })
    if (this.sessions.length > MAX_SESSIONS) this.sessions.shift()
  }

  readRelease(envelope: DsseEnvelope, statement: LoggedStatement): void {
    const release = verified(
      envelope,
      this.#releaseKeys ?? this.document!.releaseKeys,
      releaseStatementDecoder,
    )
    if (release?.predicate.role !== 'kms') return
    this.releases.unshift(statement)
    this.releases.splice(MAX_RECOVERY_RELEASES)
  }
}

const READERS: Readonly<
  Record<
    string,
    ((this: RootHistory, envelope: DsseEnvelope, statement: LoggedStatement) => void) | undefined
  >
> = {
  __proto__: null as never,
  [CUSTODY_TYPES.rootSuccession]: RootHistory.prototype.readSuccession,
  [PAYLOAD_TYPES.kmsCertificate]: RootHistory.prototype.readCertificate,
  [CUSTODY_TYPES.shareSet]: RootHistory.prototype.readShareSet,
  [CUSTODY_TYPES.recoverySession]: RootHistory.prototype.readSession,
  [CUSTODY_TYPES.acknowledgement]: RootHistory.prototype.readAcknowledgement,
  [PAYLOAD_TYPES.release]: RootHistory.prototype.readRelease,
}

/** The set with an acknowledgement, if it is one of its custodians for it; of two of one custodian the first counts. */
export function withAcknowledgement(
  set: LoggedShareSet,
  envelope: DsseEnvelope,
  statement: LoggedStatement,
): LoggedShareSet {
  const said = attempt(() => decodeDocument(envelope.payload, shareAcknowledgementDecoder, 'acknowledgement'))
  const share = set.document.shares.find(({ index }) => index === said?.index)
  if (said === undefined || share === undefined || set.acknowledgements.has(said.index)) return set
  if (said.shareSet !== documentDigest(set.document)) return set
  if (verified(envelope, [share.signingKey], shareAcknowledgementDecoder) === undefined) return set
  return { ...set, acknowledgements: new Map(set.acknowledgements).set(said.index, statement) }
}

/** The document, proven to be signed by `threshold` of these keys; anything else is nothing. */
function verified<T>(
  envelope: DsseEnvelope,
  keys: readonly Ed25519Key[],
  decoder: Decoder<T>,
  threshold = 1,
): T | undefined {
  return attempt(() => {
    const { payload } = verifyDsse(envelope, envelope.payloadType, keys.map(fromBase64Url), threshold)
    return decodeDocument(payload, decoder, 'statement')
  })
}

function tryParse(entry: Uint8Array): DsseEnvelope | undefined {
  return attempt(() => parseDsse(entry))
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

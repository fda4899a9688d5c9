import { AZURE_PAYLOAD_TYPES, azureReleaseDecoder, azureServiceDecoder } from '@sotto/protocol/azure-dialect'
import { parseDsse, type DsseEnvelope } from '@sotto/protocol/dsse'
import { CUSTODY_TYPES, rootSuccessionDecoder } from '@sotto/protocol/custody'
import { decisionDecoder, governanceRecordDecoder, parseMemberJws } from '@sotto/protocol/governance'
import {
  decodeDocument,
  genesisDecoder,
  keySetDecoder,
  kmsCertificateDecoder,
  PAYLOAD_TYPES,
  releaseReceiptDecoder,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import { memberOf } from './watch/document.ts'

/** One kind of entry, as it is shown. */
export interface EntryType {
  /** For people and for counts. */
  name: string
  /** The document. Whoever signed it is not checked here. @throws when it is none */
  decode(payload: Uint8Array): object
  /** What it says, on one line. */
  describe(document: never): string
}

function entryType<T extends object>(
  name: string,
  decode: (payload: Uint8Array) => T,
  describe: (document: T) => string,
): EntryType {
  return { name, decode, describe }
}

/**
 * Entries that are understood, by payload type; a new kind is one line. Others are anybody's: they are proven to be
 * in the tree like these, counted, and passed over.
 */
export const ENTRY_TYPES: ReadonlyMap<string, EntryType> = new Map([
  [
    PAYLOAD_TYPES.genesis,
    entryType(
      'genesis',
      (payload) => decodeDocument(payload, genesisDecoder, 'genesis'),
      (genesis) =>
        `${genesis.name}, ${genesis.threshold} of ${genesis.members.map(({ name }) => name).join(', ')}`,
    ),
  ],
  [
    PAYLOAD_TYPES.kmsCertificate,
    entryType(
      'KMS certificate',
      (payload) => decodeDocument(payload, kmsCertificateDecoder, 'certificate'),
      ({ signingKey, notBefore, notAfter }) => `${signingKey}, ${instant(notBefore)} to ${instant(notAfter)}`,
    ),
  ],
  [
    PAYLOAD_TYPES.release,
    entryType(
      'release statement',
      (payload) => decodeDocument(payload, releaseStatementDecoder, 'release'),
      ({ predicate: { role, version, securityVersion } }) =>
        `${role} ${version}, security version ${securityVersion}`,
    ),
  ],
  [
    CUSTODY_TYPES.rootSuccession,
    entryType(
      'root succession',
      (payload) => decodeDocument(payload, rootSuccessionDecoder, 'succession'),
      ({ sequence, rootKey }) => `number ${sequence}, to ${rootKey}`,
    ),
  ],
  [
    PAYLOAD_TYPES.governance,
    entryType(
      'governance record',
      (payload) => decodeDocument(payload, governanceRecordDecoder, 'record'),
      ({ sequence, entry }) => `number ${sequence}, a ${entry.type}`,
    ),
  ],
  [
    PAYLOAD_TYPES.decision,
    entryType(
      'decision',
      (payload) => {
        const decision = decodeDocument(payload, decisionDecoder, 'decision')
        return { ...decision, proposed: parseMemberJws(decision.proposal, 'proposal').document }
      },
      ({ sequence, ballots, proposed }) => `number ${sequence}, ${proposed.kind}, ${ballots.length} ballots`,
    ),
  ],
  [
    PAYLOAD_TYPES.keySet,
    entryType(
      'key set',
      (payload) => decodeDocument(payload, keySetDecoder, 'key set'),
      ({ epoch, keys }) => `epoch ${epoch}, keys ${keys.map(({ keyId }) => keyId).join(', ')}`,
    ),
  ],
  [
    PAYLOAD_TYPES.releaseReceipt,
    entryType(
      'release receipt',
      (payload) => decodeDocument(payload, releaseReceiptDecoder, 'receipt'),
      ({ epoch, tuple, hardware }) => `epoch ${epoch} to ${hardware.join(', ')} as ${tuple}`,
    ),
  ],
  [
    AZURE_PAYLOAD_TYPES.release,
    entryType(
      'release to a token',
      (payload) => decodeDocument(payload, azureReleaseDecoder, 'release'),
      ({ epoch, keyId, tuple }) => `epoch ${epoch}, key ${keyId} as ${tuple}`,
    ),
  ],
  [
    AZURE_PAYLOAD_TYPES.service,
    entryType(
      'service certificate',
      (payload) => decodeDocument(payload, azureServiceDecoder, 'service'),
      ({ certificate, notBefore, notAfter }) =>
        `${certificate}, ${instant(notBefore)} to ${instant(notAfter)}`,
    ),
  ],
])

/** What is known of an entry without believing it. */
export interface ReadEntry {
  envelope: DsseEnvelope
  /** Absent for a payload type that is not understood. */
  type?: EntryType
  /** Digest of the genesis that the document names, where it names one. */
  genesis?: string
}

/** Reads an entry of a log; undefined for what is no envelope. Never throws: anybody may have written it. */
export function readEntry(entry: Uint8Array): ReadEntry | undefined {
  let envelope: DsseEnvelope
  try {
    envelope = parseDsse(entry)
  } catch {
    return undefined
  }
  const type = ENTRY_TYPES.get(envelope.payloadType)
  const genesis = genesisOf(envelope.payload)
  return { envelope, ...(type && { type }), ...(genesis !== undefined && { genesis }) }
}

/** Which genesis a document is of, even where the rest of it makes no sense. */
function genesisOf(payload: Uint8Array): string | undefined {
  const genesis = memberOf(payload, 'genesis')
  return typeof genesis === 'string' && /^[0-9a-f]{64}$/.test(genesis) ? genesis : undefined
}

/** Unix seconds as people write them. */
export function instant(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace('.000Z', 'Z')
}

import { fromBase64, toHex } from '../bytes/index.ts'
import { base64, type Decoder, integer, jcsError, list, members, object, text } from '../jcs/index.ts'
import { omsError, refuseAs } from './errors.ts'
import { MAX_SIGNATURE_BYTES } from './types.ts'

/** Longest body: it holds a certificate, twice in base64. */
const MAX_BODY_BYTES = 65_536
/** Longest proof in a tree of 2^53 leaves. */
const MAX_HASHES = 53
/** The end of the year 9999, Unix seconds. */
const MAX_TIME = 253_402_300_799
/** Longest checkpoint: `parseNote` reads as much. */
const MAX_CHECKPOINT = 65_536

/** An entry of a log as a bundle has it (sigstore protobuf-specs, TransparencyLogEntry). Nothing about it is proven. */
export interface LogEntry {
  /** Log identifier, hexadecimal. */
  logId: string
  /** Place over all shards of the log: what the signed entry timestamp covers. */
  logIndex: number
  /** What kind of entry, with its version: `dsse 0.0.1`. */
  kind: string
  /** Unix seconds. */
  integratedTime: number
  /** ECDSA-Sig-Value, DER. */
  signedEntryTimestamp: Uint8Array
  inclusionProof: InclusionProof
  /** The entry itself: the leaf of the tree. */
  body: Uint8Array
}

/** That the entry is in the tree of one shard (RFC 6962 Section 2.1.1). */
export interface InclusionProof {
  /** Place in the tree of the shard. */
  index: number
  treeSize: number
  /** 32 bytes, as every hash. */
  rootHash: Uint8Array
  hashes: readonly Uint8Array[]
  /** Signed note (C2SP signed-note). */
  checkpoint: string
}

/** int64 of protocol buffers in JSON: text, which some writers leave out where it is 0; numbers are read as well. */
const int64: Decoder<number> = (value, path) => {
  if (typeof value !== 'string') return integer()(value, path)
  const number = Number(text(16, /^(?:0|[1-9]\d*)$/)(value, path))
  if (!Number.isSafeInteger(number)) throw jcsError('JCS_FIELD', `${path} is too large`)
  return number
}

interface Entry {
  logIndex?: number
  logId: { keyId: string }
  kindVersion: { kind: string; version: string }
  integratedTime?: number
  inclusionPromise?: { signedEntryTimestamp: string }
  inclusionProof: Proof
  canonicalizedBody: string
}

interface Proof {
  logIndex?: number
  rootHash: string
  treeSize: number
  hashes?: string[]
  checkpoint: { envelope: string }
}

/** Unix seconds that have a date with a year of four digits. */
const seconds: Decoder<number> = (value, path) => integer(1, MAX_TIME)(int64(value, path), path)

const word = text(32, /^[a-z0-9.]+$/)
const entryDecoder = members<Entry>(
  {
    logId: object({ keyId: base64(32) }),
    kindVersion: object({ kind: word, version: word }),
    inclusionProof: members<Proof>(
      { rootHash: base64(32), treeSize: int64, checkpoint: object({ envelope: text(MAX_CHECKPOINT) }) },
      { logIndex: int64, hashes: list(base64(32), 0, MAX_HASHES) },
    ),
    canonicalizedBody: base64(2, MAX_BODY_BYTES),
  },
  {
    logIndex: int64,
    integratedTime: seconds,
    inclusionPromise: object({ signedEntryTimestamp: base64(8, MAX_SIGNATURE_BYTES) }),
  },
)

/**
 * The one entry that proves when a signature was made, from anybody. Of several, verifiers would choose differently.
 *
 * @param entries JSON
 * @throws `OMS_LOG` (stop) for none or several; `OMS_MALFORMED` (fix-input); `OMS_UNSUPPORTED` (fix-input) for an entry
 * whose time the log did not sign (Rekor v2, where a timestamp authority states it)
 */
export function parseLogEntry(entries: readonly unknown[]): LogEntry {
  if (entries.length !== 1)
    throw omsError('OMS_LOG', 'the signature does not have one entry of a log', {
      expected: '1',
      found: `${entries.length}`,
    })
  return refuseAs('OMS_MALFORMED', 'no entry of a log', () => entryOf(entryDecoder(entries[0], 'entry')))
}

function entryOf(entry: Entry): LogEntry {
  const { inclusionPromise, integratedTime, kindVersion, inclusionProof: proof } = entry
  const kind = `${kindVersion.kind} ${kindVersion.version}`
  if (inclusionPromise === undefined || integratedTime === undefined)
    throw omsError('OMS_UNSUPPORTED', 'the log did not sign when it took the signature in', {
      expected: 'an entry of Rekor v1, with a signed entry timestamp',
      found: kind,
    })
  return {
    logId: toHex(fromBase64(entry.logId.keyId)),
    logIndex: entry.logIndex ?? 0,
    kind,
    integratedTime,
    signedEntryTimestamp: fromBase64(inclusionPromise.signedEntryTimestamp),
    inclusionProof: {
      index: proof.logIndex ?? 0,
      treeSize: proof.treeSize,
      rootHash: fromBase64(proof.rootHash),
      hashes: (proof.hashes ?? []).map(fromBase64),
      checkpoint: proof.checkpoint.envelope,
    },
    body: fromBase64(entry.canonicalizedBody),
  }
}

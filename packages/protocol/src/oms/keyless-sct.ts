import { ByteReader, concat, toHex, uint } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { constructed, DerReader, TAG } from '../der/index.ts'
import { explicit, sequence } from '../der-write/index.ts'
import { type Certificate, type PublicKey, verifySignature } from '../x509/index.ts'
import { omsError, refuseAs } from './errors.ts'
import { isValidAt, type OmsTrustedRoot, type TrustedLog } from './keyless-root.ts'

/** Extension with the list (RFC 6962 Section 3.3). */
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2'
/** Timestamps in one certificate; Fulcio's have one. */
const MAX_SCTS = 16
/** Version v1, and `certificate_timestamp` of SignatureType (Section 3.2). */
const V1 = 0
const CERTIFICATE_TIMESTAMP = 0
/** `precert_entry` of LogEntryType (Section 3.1). */
const PRECERT_ENTRY = 1
/** sha256 and ecdsa of TLS 1.2 (RFC 5246 Section 7.4.1.4.1): the one algorithm of logs with curves (RFC 6962 Section 2.1.4). */
const SHA256_ECDSA = 0x0403

interface Sct {
  /** Hexadecimal. */
  logId: string
  /** Unix milliseconds. */
  timestamp: number
  extensions: Uint8Array
  /** SignatureAndHashAlgorithm. */
  algorithm: number
  signature: Uint8Array
}

/**
 * Proves that a certificate transparency log of the trusted root promised to show the certificate: who is certified
 * wrongly can find out. At least one of the embedded timestamps must be by such a log, and none that names one may be
 * wrong; those of other logs say nothing. Passes where the trusted root names no such log.
 *
 * @param issuer who issued the certificate, as proven
 * @throws `OMS_SCT` (stop)
 */
export function verifyScts(
  leaf: Certificate,
  issuer: Certificate,
  { certificateLogs }: OmsTrustedRoot,
): void {
  if (certificateLogs.length === 0) return
  const scts = refuseAs('OMS_SCT', 'the timestamps of the certificate cannot be read', () => parseScts(leaf))
  const named = scts.flatMap((sct) => {
    const key = keyOf(sct, certificateLogs)
    return key === undefined ? [] : [{ sct, key }]
  })
  if (named.length === 0)
    throw omsError('OMS_SCT', 'no certificate log of the trusted root has seen the certificate', {
      expected: certificateLogs.map(({ id }) => id).join(' or '),
      found: scts.map(({ logId }) => logId).join(', ') || 'no timestamp',
    })
  const entry = concat(publicCrypto.sha256(issuer.spki), vector(precertificate(leaf), 3))
  for (const { sct, key } of named)
    if (!isSctSignedBy(sct, key, entry))
      throw omsError('OMS_SCT', 'a log did not sign its timestamp of the certificate', { found: sct.logId })
}

/** The key of a trusted log at the time of the timestamp. */
function keyOf({ logId, timestamp }: Sct, logs: readonly TrustedLog[]): PublicKey | undefined {
  return logs.find((log) => log.id === logId && isValidAt(log, timestamp / 1000))?.publicKey
}

/** SignedCertificateTimestampList in TLS presentation, in an OCTET STRING of its own (RFC 6962 Section 3.3). */
function parseScts(leaf: Certificate): Sct[] {
  const extension = leaf.extensions.get(SCT_LIST)
  if (extension === undefined) return []
  const der = new DerReader(extension.value)
  const outer = new ByteReader(der.octetString())
  der.end()
  const all = new ByteReader(outer.take(outer.uint(2)))
  outer.end()
  const scts: Sct[] = []
  while (all.remaining > 0) {
    if (scts.length === MAX_SCTS)
      throw omsError('OMS_SCT', 'the certificate has too many timestamps', {
        expected: `at most ${MAX_SCTS}`,
      })
    scts.push(readSct(new ByteReader(all.take(all.uint(2)))))
  }
  return scts
}

function readSct(reader: ByteReader): Sct {
  const version = reader.uint(1)
  if (version !== V1)
    throw omsError('OMS_SCT', 'a timestamp has another version', { expected: `${V1}`, found: `${version}` })
  const logId = toHex(reader.take(32))
  const timestamp = reader.uint(4) * 2 ** 32 + reader.uint(4)
  const extensions = reader.take(reader.uint(2))
  const algorithm = reader.uint(2)
  const signature = reader.take(reader.uint(2))
  reader.end()
  return { logId, timestamp, extensions, algorithm, signature }
}

/** `digitally-signed` of RFC 6962 Section 3.2. */
function isSctSignedBy(sct: Sct, key: PublicKey, entry: Uint8Array): boolean {
  const { timestamp, extensions, algorithm, signature } = sct
  if (algorithm !== SHA256_ECDSA || !Number.isSafeInteger(timestamp)) return false
  const message = concat(
    Uint8Array.of(V1, CERTIFICATE_TIMESTAMP),
    uint(timestamp, 8),
    uint(PRECERT_ENTRY, 2),
    entry,
    vector(extensions, 2),
  )
  return verifySignature(key, { name: 'ecdsa', hash: 'sha256' }, message, signature, true)
}

/** What the log saw: the certificate without its timestamps and its signature (RFC 6962 Section 3.2). */
function precertificate({ tbs }: Certificate): Uint8Array {
  const fields = new DerReader(tbs).enter(TAG.SEQUENCE)
  const before: Uint8Array[] = []
  while (fields.nextTag !== constructed(3)) before.push(fields.element())
  const list = fields.enter(constructed(3)).enter(TAG.SEQUENCE)
  const extensions: Uint8Array[] = []
  while (!list.atEnd) {
    const extension = list.element(TAG.SEQUENCE)
    if (new DerReader(extension).enter(TAG.SEQUENCE).oid() !== SCT_LIST) extensions.push(extension)
  }
  return sequence(...before, explicit(3, sequence(...extensions)))
}

/** A vector of TLS with its length before it. */
function vector(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  return concat(uint(bytes.length, lengthBytes), bytes)
}

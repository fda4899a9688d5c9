import { toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { SottoError } from '../errors/index.ts'

export { firstDifference, type ManifestDifference } from './difference.ts'
export { createDigestCache, type DigestCache, type DigestSource, type FileIdentity } from './digest-cache.ts'

/** Codes of {@link SottoError} thrown here. */
export type MeasurementErrorCode = 'MANIFEST_MALFORMED'

/** One file of an image. */
export interface ManifestEntry {
  /** Relative path with `/`, no `.` or `..` segment. */
  path: string
  /** Permission bits, for example 0o755. */
  mode: number
  /** SHA-256, lower-case hexadecimal. */
  sha256: string
}

/** More files than any image has; bounds the work of hashing a manifest from outside. */
export const MAX_MANIFEST_ENTRIES = 20_000

const SAFE_PATH = /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\x20-\x7e]{1,512}$/

/**
 * Canonical bytes of an image manifest: one line `mode sha256 path` per file, sorted by path in
 * code-unit order, after a line that names the format. Two directories with the same files have
 * the same bytes, wherever they lie and whenever they were written.
 *
 * @throws `MANIFEST_MALFORMED` (fix-input) for no entries, too many, an unsafe or repeated path
 */
export function encodeManifest(entries: readonly ManifestEntry[]): Uint8Array {
  if (entries.length === 0 || entries.length > MAX_MANIFEST_ENTRIES)
    throw malformed(`${entries.length} entries`)
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))
  const lines = ['sotto-image-manifest-v1']
  let previous: string | undefined
  for (const { path, mode, sha256 } of sorted) {
    if (path === previous) throw malformed(`path ${path} twice`)
    if (!SAFE_PATH.test(path)) throw malformed('an absolute, climbing or unprintable path')
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw malformed(`digest of ${path}`)
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw malformed(`mode of ${path}`)
    lines.push(`${mode.toString(8).padStart(3, '0')} ${sha256} ${path}`)
    previous = path
  }
  return utf8(lines.join('\n') + '\n')
}

/** SHA-256 of the canonical manifest, hexadecimal: the image digest in release statements (T7). */
export function imageDigest(entries: readonly ManifestEntry[]): string {
  return toHex(publicCrypto.sha256(encodeManifest(entries)))
}

/** MEASUREMENT (48 bytes, hexadecimal) the software TEE reports for an image digest: zero-padded. */
export function softwareMeasurement(digest: string): string {
  return digest.padEnd(96, '0')
}

function malformed(found: string): SottoError<MeasurementErrorCode> {
  return new SottoError<MeasurementErrorCode>(
    'MANIFEST_MALFORMED',
    'fix-input',
    'image manifest is malformed',
    { found },
  )
}

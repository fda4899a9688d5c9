import { fromBase64, toBase64, toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import {
  canonicalJson,
  type Decoder,
  hex,
  integer,
  literal,
  object,
  parseCanonicalJson,
} from '../jcs/index.ts'
import { bundleError } from './errors.ts'

/** Pieces of one bundle at most, and bytes of one piece and of all: what evidence needs is a tenth of it. */
export const MAX_PIECES = 128
export const MAX_PIECE_BYTES = 4 * 1024 * 1024
export const MAX_BUNDLE_PIECE_BYTES = 16 * 1024 * 1024
/** The document in base64, with digests. */
export const MAX_DOCUMENT_BYTES = 24 * 1024 * 1024

/** What the pieces of one bundle may be, where less fits than a bundle can hold. */
export interface PieceLimits {
  pieces: number
  pieceBytes: number
  totalBytes: number
}

const ANY_BUNDLE: PieceLimits = {
  pieces: MAX_PIECES,
  pieceBytes: MAX_PIECE_BYTES,
  totalBytes: MAX_BUNDLE_PIECE_BYTES,
}

/** Collateral for one piece of evidence, as it was at one time. Nothing in it is proven. */
export interface CollateralBundle {
  /** Unix seconds; null when nobody wrote it down. */
  fetchedAt: number | null
  pieces: Readonly<Record<string, Uint8Array>>
}

/** What a piece was when it was written: tells damage, proves nothing. */
export interface PieceDigest {
  sha256: string
  size: number
}

/** A document of pieces, or of pieces that lie beside it as files. */
interface BundleDocument {
  version: 1
  fetchedAt: number | null
  pieces: Record<string, string>
  digests: Record<string, PieceDigest>
}

/** Names are file names too: no separator, and nothing that begins with a dot. */
const PIECE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Whether a piece may have this name. */
export function isPieceName(name: string): boolean {
  return PIECE_NAME.test(name)
}

/** Sizes and digests of pieces, by name. @throws `COLLATERAL_BUNDLE` for too many or too large pieces, or a name none may have */
export function digestsOf(
  pieces: CollateralBundle['pieces'],
  { pieces: most, pieceBytes, totalBytes }: PieceLimits = ANY_BUNDLE,
): Record<string, PieceDigest> {
  const entries = Object.entries(pieces)
  if (entries.length > most) throw invalid('too many pieces', `at most ${most}`, `${entries.length}`)
  let total = 0
  for (const [name, { length }] of entries) {
    if (!isPieceName(name)) throw invalid('a piece has a name that none may have', PIECE_NAME.source)
    if (length > pieceBytes) throw invalid(`${name} is too large`, `at most ${pieceBytes} bytes`, `${length}`)
    total += length
  }
  if (total > totalBytes)
    throw invalid('the pieces are too large together', `at most ${totalBytes} bytes`, `${total}`)
  return Object.fromEntries(
    entries.map(([name, bytes]) => [name, { sha256: toHex(publicCrypto.sha256(bytes)), size: bytes.length }]),
  )
}

/** One canonical document with everything in it: equal collateral gives equal bytes. @throws `COLLATERAL_BUNDLE` */
export function packCollateral({ fetchedAt, pieces }: CollateralBundle): Uint8Array {
  const encoded = Object.fromEntries(Object.entries(pieces).map(([name, bytes]) => [name, toBase64(bytes)]))
  return canonicalJson({ version: 1, fetchedAt, digests: digestsOf(pieces), pieces: encoded })
}

/** The document for a folder: its pieces are the files beside it. @throws `COLLATERAL_BUNDLE` */
export function packIndex({ fetchedAt, pieces }: CollateralBundle): Uint8Array {
  return canonicalJson({ version: 1, fetchedAt, digests: digestsOf(pieces), pieces: {} })
}

/**
 * Reads a packed document that anybody may have written: canonical, every piece with its size and digest.
 *
 * @param limits default those of any bundle
 * @throws `COLLATERAL_BUNDLE`
 */
export function unpackCollateral(bytes: Uint8Array, limits: PieceLimits = ANY_BUNDLE): CollateralBundle {
  const { fetchedAt, pieces: encoded, digests } = parseDocument(bytes)
  const pieces = Object.fromEntries(
    Object.entries(encoded).map(([name, text]) => [name, decodePiece(name, text)]),
  )
  requireDigests(pieces, digests, limits)
  return { fetchedAt, pieces }
}

/** Reads the index of a folder. @throws `COLLATERAL_BUNDLE`, also for a document that has pieces itself */
export function parseIndex(bytes: Uint8Array): Pick<BundleDocument, 'fetchedAt' | 'digests'> {
  const { fetchedAt, digests, pieces } = parseDocument(bytes)
  if (Object.keys(pieces).length > 0) throw invalid('an index has pieces of its own', 'files beside it')
  return { fetchedAt, digests }
}

/** @throws `COLLATERAL_BUNDLE` unless the pieces are exactly those that were written */
export function requireDigests(
  pieces: CollateralBundle['pieces'],
  digests: Readonly<Record<string, PieceDigest>>,
  limits: PieceLimits = ANY_BUNDLE,
): void {
  const found = digestsOf(pieces, limits)
  for (const name of Object.keys(found))
    if (!Object.hasOwn(digests, name)) throw invalid(`${name} is not in the list of pieces`)
  for (const [name, { sha256, size }] of Object.entries(digests)) {
    const piece = Object.hasOwn(found, name) ? found[name] : undefined
    if (piece === undefined) throw invalid(`${name} is missing`)
    if (piece.size !== size || piece.sha256 !== sha256)
      throw invalid(
        `${name} is not what was written`,
        `${size} bytes, sha256 ${sha256}`,
        `${piece.size} bytes, sha256 ${piece.sha256}`,
      )
  }
}

const time: Decoder<number | null> = (value, path) => (value === null ? null : integer()(value, path))
const digest = object<PieceDigest>({ sha256: hex(32), size: integer(0, MAX_PIECE_BYTES) })
const decodeDocument = object<BundleDocument>({
  version: literal(1),
  fetchedAt: time,
  pieces: byName((value, path) => {
    if (typeof value !== 'string') throw invalid(`${path} is no text`)
    return value
  }),
  digests: byName(digest),
})

function byName<T>(decode: Decoder<T>): Decoder<Record<string, T>> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(`${path} is no object`)
    const entries = Object.entries(value)
    if (entries.length > MAX_PIECES)
      throw invalid('too many pieces', `at most ${MAX_PIECES}`, `${entries.length}`)
    return Object.fromEntries(
      entries.map(([name, member]) => {
        if (!isPieceName(name)) throw invalid('a piece has a name that none may have', PIECE_NAME.source)
        return [name, decode(member, `${path}.${name}`)]
      }),
    )
  }
}

function parseDocument(bytes: Uint8Array): BundleDocument {
  try {
    return decodeDocument(parseCanonicalJson(bytes, { maxBytes: MAX_DOCUMENT_BYTES, maxDepth: 4 }), 'bundle')
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string }
    if (code === 'COLLATERAL_BUNDLE') throw cause
    throw bundleError('this is not a bundle of collateral', {
      cause,
      found: message,
      hint: 'sotto collateral pack writes one',
    })
  }
}

function decodePiece(name: string, text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    throw bundleError(`${name} is not base64`, { cause })
  }
}

function invalid(message: string, expected?: string, found?: string): Error {
  return bundleError(message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
  })
}

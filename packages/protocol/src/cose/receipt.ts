import { equalBytes } from '../bytes/index.ts'
import { decodeCbor, type CborMap, type CborValue } from '../cbor/index.ts'
import { consistencyRoots, inclusionRoot, isPowerOfTwo } from '../merkle/index.ts'
import type { PublicKey } from '../x509/index.ts'
import { coseError } from './errors.ts'
import { parseDetachedCoseSign1, type CoseSign1 } from './parse.ts'
import { verifyCoseSign1, type CoseAlgorithm } from './verify.ts'

/** Labels of RFC 9942 Section 8.2: which kind of tree, its proofs, and CWT claims about who signs (RFC 9597). */
export const RECEIPT_HEADER = { vds: 395, vdp: 396, cwtClaims: 15 } as const

/** RFC9162_SHA256 in the registry of verifiable data structures (RFC 9942 Section 8.2.2.1). */
const RFC9162_SHA256 = 1
/** Labels of the proofs of that tree (RFC 9942 Section 8.2.2.2). */
const INCLUSION = -1
const CONSISTENCY = -2
const HASH_BYTES = 32
/** Proofs under one signature; one is what everybody writes. */
const MAX_PROOFS = 16
/** Longest path of a tree of at most 2^53 leaves, with one hash more for consistency. */
const MAX_PATH = 54
/** A receipt is a signature and a few dozen hashes. */
const MAX_RECEIPT_BYTES = 65_536

/** That an entry is in the tree whose root is signed. */
export interface InclusionProof {
  size: number
  index: number
  path: readonly Uint8Array[]
}

/** That the tree whose root is signed extends an older one. */
export interface ConsistencyProof {
  oldSize: number
  newSize: number
  path: readonly Uint8Array[]
}

/** A receipt of a transparency log in COSE (RFC 9942). Structure only: nothing about it is verified. */
export type CoseReceipt = {
  message: Omit<CoseSign1, 'payload'>
  /** `iss` of its CWT claims, where there are any: who says to have signed it. */
  issuer?: string
} & (
  | { kind: 'inclusion'; proofs: readonly InclusionProof[] }
  | { kind: 'consistency'; proofs: readonly ConsistencyProof[] }
)

/**
 * Structure of a receipt that anybody may have written: a COSE_Sign1 of tag 18 with its payload elsewhere, the
 * tree of RFC 9162 in the protected header, and proofs of exactly one kind in the other.
 *
 * @throws `COSE_MALFORMED`, `COSE_UNSUPPORTED` for another kind of tree, and what `parseCoseSign1` throws
 */
export function parseCoseReceipt(bytes: Uint8Array): CoseReceipt {
  const message = parseDetachedCoseSign1(bytes, {
    maxBytes: MAX_RECEIPT_BYTES,
    understood: [RECEIPT_HEADER.vds, RECEIPT_HEADER.cwtClaims],
  })
  if (!message.tagged) throw wrong('receipt', 'a COSE_Sign1 with its tag')
  const tree = message.protectedHeader.get(RECEIPT_HEADER.vds)
  if (tree === undefined) throw wrong('receipt', 'the kind of tree in the protected header')
  if (tree !== RFC9162_SHA256)
    throw coseError('COSE_UNSUPPORTED', 'receipt is of another kind of tree', 'RFC9162_SHA256')
  const proofs = message.unprotectedHeader.get(RECEIPT_HEADER.vdp)
  if (!isMap(proofs) || proofs.size !== 1) throw wrong('proofs', 'a map with proofs of one kind')
  const issuer = issuerOf(message.protectedHeader)
  const common = { message, ...(issuer !== undefined && { issuer }) }
  if (proofs.has(INCLUSION)) {
    const decoded = proofsOf(proofs.get(INCLUSION)).map(({ numbers: [size, index], path }) => {
      if (size < 1 || index >= size) throw wrong('inclusion proof', 'a leaf inside the tree')
      return { size, index, path }
    })
    return { ...common, kind: 'inclusion', proofs: decoded }
  }
  if (!proofs.has(CONSISTENCY)) throw wrong('proofs', 'inclusion (-1) or consistency (-2)')
  const decoded = proofsOf(proofs.get(CONSISTENCY)).map(({ numbers: [oldSize, newSize], path }) => {
    if (oldSize < 1 || oldSize >= newSize) throw wrong('consistency proof', 'a tree that grew')
    return { oldSize, newSize, path }
  })
  return { ...common, kind: 'consistency', proofs: decoded }
}

/** What a receipt is verified under: the log's key, and what it is to be a receipt of. */
export interface ReceiptVerification {
  /** Key of the log. The caller has a reason to trust it; the receipt's own `kid` is nobody's word. */
  publicKey: PublicKey
  algorithms: readonly CoseAlgorithm[]
  /** Of an inclusion receipt: RFC 9162 leaf hash of the entry. Of a consistency receipt: the root known before. */
  hash: Uint8Array
  /** Which of its proofs; default the first. */
  proof?: number
}

/**
 * Verifies a receipt: the proof leads from `hash` to a root, and that root is what the log signed (RFC 9942
 * Section 5: the payload is not carried but recomputed). Returns the tree. Its root is proven; its size is what the
 * receipt says, for the signature covers the root alone, and a path may fit trees of several sizes.
 *
 * @example
 * const receipt = parseCoseReceipt(bytes)
 * verifyCoseReceipt(receipt, { publicKey, algorithms: ['ES256'], hash: leafHash(entry) })
 *
 * @throws `COSE_MALFORMED`, `MERKLE_INCLUSION`, `MERKLE_CONSISTENCY`, `COSE_ALGORITHM`, `COSE_SIGNATURE`
 */
export function verifyCoseReceipt(
  receipt: CoseReceipt,
  { publicKey, algorithms, hash, proof = 0 }: ReceiptVerification,
): { size: number; root: Uint8Array } {
  if (hash.length !== HASH_BYTES) throw wrong('hash', `${HASH_BYTES} bytes`)
  const tree = receiptTree(receipt, hash, proof)
  verifyCoseSign1({ ...receipt.message, payload: tree.root }, publicKey, { algorithms })
  return tree
}

/** Size and root that a proof leads to from a leaf hash or an older root, whoever signed it. */
export function receiptTree(
  receipt: CoseReceipt,
  hash: Uint8Array,
  proof = 0,
): { size: number; root: Uint8Array } {
  const chosen = receipt.proofs[proof]
  if (chosen === undefined) throw wrong('receipt', `a proof number ${proof}`)
  if ('index' in chosen)
    return { size: chosen.size, root: inclusionRoot(hash, chosen.index, chosen.size, chosen.path) }
  const { oldSize, newSize, path } = chosen
  // As in RFC 9162, the old root itself begins the path where the old tree is a whole subtree.
  const { older, newer } = consistencyRoots(oldSize, newSize, isPowerOfTwo(oldSize) ? [hash, ...path] : path)
  if (!equalBytes(older, hash)) throw coseError('COSE_SIGNATURE', 'the receipt is about another older tree')
  return { size: newSize, root: newer }
}

/** Proofs of either kind are two numbers and a path, each a byte string of CBOR. */
function proofsOf(value: CborValue | undefined): { numbers: [number, number]; path: Uint8Array[] }[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_PROOFS)
    throw wrong('proofs', `1 to ${MAX_PROOFS} of them`)
  return (value as readonly CborValue[]).map((item) => {
    if (!(item instanceof Uint8Array)) throw wrong('proof', 'a byte string')
    const parts = decodeCbor(item, { maxBytes: item.length })
    if (!Array.isArray(parts) || parts.length !== 3) throw wrong('proof', 'an array of three')
    const [first, second, path] = parts as readonly CborValue[]
    if (!isCount(first) || !isCount(second)) throw wrong('proof', 'two numbers')
    const isPath =
      Array.isArray(path) &&
      path.length <= MAX_PATH &&
      path.every((hash) => hash instanceof Uint8Array && hash.length === HASH_BYTES)
    if (!isPath) throw wrong('proof', `a path of at most ${MAX_PATH} hashes`)
    return { numbers: [first, second], path: path as Uint8Array[] }
  })
}

function issuerOf(header: CborMap): string | undefined {
  const claims = header.get(RECEIPT_HEADER.cwtClaims)
  if (claims === undefined) return undefined
  if (!isMap(claims)) throw wrong('CWT claims', 'a map')
  const issuer = claims.get(1)
  if (issuer !== undefined && typeof issuer !== 'string') throw wrong('issuer', 'text')
  return issuer
}

function isCount(value: CborValue | undefined): value is number {
  return typeof value === 'number' && value >= 0
}

function isMap(value: CborValue | undefined): value is CborMap {
  return value instanceof Map
}

function wrong(what: string, expected: string): Error {
  return coseError('COSE_MALFORMED', `${what} is malformed`, expected)
}

import { equalBytes } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { merkleError } from './errors.ts'

const LEAF_PREFIX = Uint8Array.of(0)
const NODE_PREFIX = Uint8Array.of(1)

/** Longest proof of a tree of at most 2^53 leaves. */
const MAX_PROOF_LENGTH = 53

/** RFC 6962 Section 2.1: SHA-256 of 0x00 and the entry. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return publicCrypto.sha256(LEAF_PREFIX, entry)
}

/** RFC 6962 Section 2.1: SHA-256 of 0x01, left and right. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return publicCrypto.sha256(NODE_PREFIX, left, right)
}

/** Root of the empty tree: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return publicCrypto.sha256()
}

/**
 * RFC 9162 Section 2.1.3.2: the leaf hash is leaf `index` of the tree of `size` with this root.
 * @throws `MERKLE_INCLUSION` (stop)
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  const found = inclusionRoot(leaf, index, size, proof)
  if (!equalBytes(found, root)) throw merkleError('MERKLE_INCLUSION', 'proof leads to another root')
}

/**
 * The root that an inclusion proof leads to, whoever signed it.
 * @throws `MERKLE_INCLUSION` (stop) for an index outside the tree or a proof of another length
 */
export function inclusionRoot(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array {
  if (!isSize(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw merkleError('MERKLE_INCLUSION', 'leaf index is outside the tree', `0 to ${size - 1}`, `${index}`)
  }
  requireHashes('MERKLE_INCLUSION', [leaf, ...proof])
  let node = index
  let last = size - 1
  let hash = leaf
  for (const sibling of proof) {
    if (last === 0) throw merkleError('MERKLE_INCLUSION', 'proof is too long')
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2)
        last = Math.floor(last / 2)
      }
    } else hash = nodeHash(hash, sibling)
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  if (last !== 0) throw merkleError('MERKLE_INCLUSION', 'proof is too short')
  return hash
}

/**
 * RFC 9162 Section 2.1.4.2: the first `size1` leaves of the tree (`size2`, `root2`) are the tree
 * (`size1`, `root1`). Nothing is consistent with the empty tree but itself: whoever has seen no
 * tree yet has nothing to compare and does not ask.
 * @throws `MERKLE_CONSISTENCY` (stop)
 */
export function verifyConsistency(
  size1: number,
  root1: Uint8Array,
  size2: number,
  root2: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  const fail = (message: string): Error => merkleError('MERKLE_CONSISTENCY', message)
  if (!isSize(size1) || !isSize(size2) || size1 > size2) throw fail('tree sizes are out of order')
  requireHashes('MERKLE_CONSISTENCY', proof)
  if (size1 === size2) {
    if (proof.length > 0) throw fail('proof is too long')
    if (!equalBytes(root1, root2)) throw fail('same size, different root')
    return
  }
  if (size1 === 0) throw fail('the empty tree says nothing about another')
  const roots = consistencyRoots(size1, size2, isPowerOfTwo(size1) ? [root1, ...proof] : proof)
  if (!equalBytes(roots.older, root1)) throw fail('proof leads to another old root')
  if (!equalBytes(roots.newer, root2)) throw fail('proof leads to another new root')
}

/**
 * The two roots a path leads to (RFC 9162 Section 2.1.4.2). The path is a consistency proof, which begins with
 * the old root itself where `size1` is a power of two. A path that leads to a signed newer root and to another
 * old root than the one signed before proves to anybody that the log signed two trees.
 *
 * @param size1 smaller than `size2`, at least 1
 * @throws `MERKLE_CONSISTENCY` (stop) for a path of another length
 */
export function consistencyRoots(
  size1: number,
  size2: number,
  path: readonly Uint8Array[],
): { older: Uint8Array; newer: Uint8Array } {
  const fail = (message: string): Error => merkleError('MERKLE_CONSISTENCY', message)
  if (!isSize(size1) || !isSize(size2) || size1 < 1 || size1 >= size2)
    throw fail('tree sizes are out of order')
  requireHashes('MERKLE_CONSISTENCY', path)
  const [first, ...rest] = path
  if (!first) throw fail('proof is empty')
  let node = size1 - 1
  let last = size2 - 1
  while (node % 2 === 1) {
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  let older = first
  let newer = first
  for (const sibling of rest) {
    if (last === 0) throw fail('proof is too long')
    if (node % 2 === 1 || node === last) {
      older = nodeHash(sibling, older)
      newer = nodeHash(sibling, newer)
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2)
        last = Math.floor(last / 2)
      }
    } else newer = nodeHash(newer, sibling)
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  if (last !== 0) throw fail('proof is too short')
  return { older, newer }
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0
}

/** By halving: logarithms of large sizes round. */
export function isPowerOfTwo(size: number): boolean {
  let rest = size
  while (rest > 1 && rest % 2 === 0) rest /= 2
  return rest === 1
}

/** Siblings of another length would move the border between left and right under the hash. */
function requireHashes(code: 'MERKLE_INCLUSION' | 'MERKLE_CONSISTENCY', proof: readonly Uint8Array[]): void {
  if (proof.length > MAX_PROOF_LENGTH * 2) throw merkleError(code, 'proof is too long')
  for (const hash of proof) if (hash.length !== 32) throw merkleError(code, 'a hash is not 32 bytes')
}

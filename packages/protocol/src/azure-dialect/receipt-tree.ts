import { concat, toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { type CcfProofStep, type CcfReceipt, leafPreimage } from './receipt.ts'

/** A tree over leaves, with the path of each. */
export interface ReceiptTree {
  /** One signature over this, ECDSA with SHA-256, is a receipt for every leaf. */
  preimage: Uint8Array
  proofs: CcfProofStep[][]
}

/** Builds the tree over at least one leaf; a node without a neighbour goes up as it is. */
export function buildReceiptTree(leaves: readonly CcfReceipt['leaf_components'][]): ReceiptTree {
  let nodes = leaves.map((leaf, index) => ({ preimage: leafPreimage(leaf), below: [index] }))
  const proofs: CcfProofStep[][] = leaves.map(() => [])
  while (nodes.length > 1) {
    const next: typeof nodes = []
    for (let at = 0; at < nodes.length; at += 2) {
      const [left, right] = [nodes[at]!, nodes[at + 1]]
      if (right === undefined) {
        next.push(left)
        continue
      }
      const [leftHash, rightHash] = [publicCrypto.sha256(left.preimage), publicCrypto.sha256(right.preimage)]
      for (const leaf of left.below) proofs[leaf]!.push({ right: toHex(rightHash) })
      for (const leaf of right.below) proofs[leaf]!.push({ left: toHex(leftHash) })
      next.push({ preimage: concat(leftHash, rightHash), below: [...left.below, ...right.below] })
    }
    nodes = next
  }
  return { preimage: nodes[0]!.preimage, proofs }
}

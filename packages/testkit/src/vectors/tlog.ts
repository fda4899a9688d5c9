import { fromBase64 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { verifyConsistency, verifyInclusion } from '@sotto/protocol/merkle'

/** Where the files of these cases lie, below the root of the vectors. */
export const TLOG_FOLDER = 'transport/tlog'

/** A case of transparency-dev/merkle's test data; which proof it is shows in its members. */
interface TlogCase {
  desc: string
  wantErr: boolean
  proof: string[] | null
  leafIdx?: number
  treeSize?: number
  root?: string
  leafHash?: string
  size1?: number
  size2?: number
  root1?: string
  root2?: string
}

/**
 * Name and check of every case in one file of RFC 6962 inclusion or consistency proofs. A check
 * throws when a good proof is refused, when a bad one is accepted, and when a bad one is refused
 * with anything but our own codes.
 */
export function* tlogCases(json: string): Generator<[name: string, run: () => void]> {
  for (const [index, vector] of (JSON.parse(json) as TlogCase[]).entries()) {
    yield [`${index}: ${vector.desc}`, () => (vector.wantErr ? expectRefused(vector) : verify(vector))]
  }
}

function verify(vector: TlogCase): void {
  const proof = (vector.proof ?? []).map(fromBase64)
  if (vector.leafHash !== undefined) {
    const { leafHash, leafIdx, treeSize, root } = vector
    verifyInclusion(fromBase64(leafHash), leafIdx!, treeSize!, proof, fromBase64(root!))
  } else {
    const { size1, size2, root1, root2 } = vector
    verifyConsistency(size1!, fromBase64(root1!), size2!, fromBase64(root2!), proof)
  }
}

function expectRefused(vector: TlogCase): void {
  try {
    verify(vector)
  } catch (cause) {
    if (hasCode(cause, 'MERKLE_INCLUSION') || hasCode(cause, 'MERKLE_CONSISTENCY')) return
    throw new Error('was refused for another reason', { cause })
  }
  throw new Error('was accepted and must be refused')
}

import { SottoError } from '../errors/index.ts'

/** Codes of {@link SottoError} thrown by the Merkle tree functions. */
export type MerkleErrorCode = 'MERKLE_INCLUSION' | 'MERKLE_CONSISTENCY' | 'MERKLE_TILE'

/** A {@link SottoError} about the tree: the log contradicts itself, so the action is to stop. */
export function merkleError(
  code: MerkleErrorCode,
  message: string,
  expected?: string,
  found?: string,
): SottoError<MerkleErrorCode> {
  return new SottoError<MerkleErrorCode>(code, 'stop', message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
  })
}

import { toHex } from '../bytes/index.ts'
import { proveConsistency, proveInclusion, type TileReader } from '../merkle/index.ts'
import { parseCheckpoint, parseNote } from '../note/index.ts'
import type { Evidence, KmsBinding, LoggedStatement } from '../keyrelease/types.ts'
import type { ProvenStatement, TrustBundle } from './types.ts'

/** What a KMS publishes (`GET /v1/keys`): the statements of a bundle, without proofs. */
export interface KmsState {
  genesis: LoggedStatement
  certificate: LoggedStatement
  releases: LoggedStatement[]
  policy: LoggedStatement
  keySet: LoggedStatement
  kms: { evidence: Evidence; binding: KmsBinding; boundCheckpoint: string }
}

/**
 * Puts a bundle together from what the KMS publishes and what the log proves. Composing needs no
 * trust: whoever reads the bundle checks all of it.
 */
export async function composeTrustBundle(
  state: KmsState,
  checkpoint: string,
  read: TileReader,
): Promise<TrustBundle> {
  const { size } = parseCheckpoint(parseNote(checkpoint).text)
  const bound = parseCheckpoint(parseNote(state.kms.boundCheckpoint).text)
  const prove = (statement: LoggedStatement): Promise<ProvenStatement> =>
    proveStatement(statement, size, read)
  return {
    version: 1,
    checkpoint,
    genesis: await prove(state.genesis),
    kms: {
      ...state.kms,
      consistency: (await proveConsistency(bound.size, size, read)).map(toHex),
      certificate: await prove(state.certificate),
    },
    releases: await Promise.all(state.releases.map(prove)),
    policy: await prove(state.policy),
    keySet: await prove(state.keySet),
  }
}

/** A logged statement with its inclusion proof in the tree of `size`. */
export async function proveStatement(
  statement: LoggedStatement,
  size: number,
  read: TileReader,
): Promise<ProvenStatement> {
  return { ...statement, proof: (await proveInclusion(statement.index, size, read)).map(toHex) }
}

import { toHex, utf8 } from '../bytes/index.ts'
import { proveConsistency, proveInclusion, type TileReader } from '../merkle/index.ts'
import { parseCheckpoint, parseNote, type Checkpoint } from '../note/index.ts'
import type { Evidence } from '../keyrelease/admission.ts'
import type { KmsBinding, LoggedStatement } from '../keyrelease/types.ts'
import type { ProvenStatement, TrustBundle } from './types.ts'

/** What a KMS publishes (`GET /v1/keys`): the statements of a bundle, without proofs. */
export interface KmsState {
  genesis: LoggedStatement
  roots?: LoggedStatement[]
  certificate: LoggedStatement
  releases: LoggedStatement[]
  governance: LoggedStatement[]
  policy: LoggedStatement
  keySet: LoggedStatement
  kms: { evidence: Evidence; binding: KmsBinding; boundCheckpoint: string }
}

/** Proofs under one tree, however they are made. */
export interface TreeProver {
  inclusion(entry: Uint8Array, index: number): Promise<Uint8Array[]>
  consistency(older: Checkpoint): Promise<Uint8Array[]>
}

/** Proofs under the tree of `size`, from tiles anybody may serve. */
export function tileProver(size: number, read: TileReader): TreeProver {
  return {
    inclusion: (_entry, index) => proveInclusion(index, size, read),
    consistency: (older) => proveConsistency(older.size, size, read),
  }
}

/**
 * Puts a bundle together from what the KMS publishes and what the log proves under `checkpoint`.
 * Composing needs no trust: whoever reads the bundle checks all of it.
 */
export async function composeTrustBundle(
  state: KmsState,
  checkpoint: string,
  prover: TreeProver,
): Promise<TrustBundle> {
  const bound = parseCheckpoint(parseNote(state.kms.boundCheckpoint).text)
  const prove = (statement: LoggedStatement): Promise<ProvenStatement> => proveStatement(statement, prover)
  return {
    version: 1,
    checkpoint,
    genesis: await prove(state.genesis),
    kms: {
      ...state.kms,
      consistency: (await prover.consistency(bound)).map(toHex),
      certificate: await prove(state.certificate),
    },
    ...((state.roots ?? []).length > 0 && { roots: await Promise.all(state.roots!.map(prove)) }),
    releases: await Promise.all(state.releases.map(prove)),
    governance: await Promise.all(state.governance.map(prove)),
    policy: await prove(state.policy),
    keySet: await prove(state.keySet),
  }
}

/** A logged statement with its inclusion proof. */
export async function proveStatement(
  statement: LoggedStatement,
  prover: Pick<TreeProver, 'inclusion'>,
): Promise<ProvenStatement> {
  const { envelope, index } = statement
  return { envelope, index, proof: (await prover.inclusion(utf8(envelope), index)).map(toHex) }
}

import type { DataStatement, NamedContract, RunPlan } from '@sotto/protocol/contract'
import type { PreparedSigner } from '@sotto/protocol/dsse'
import type { KemPrivateKey } from '@sotto/protocol/hpke'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { BoardAccess, OfferedRun, RunCheckpoint } from '@sotto/protocol/room'

/** Everything about one run that was offered. Its private keys are in memory only, and of this run alone. */
export interface RunJob extends OfferedRun {
  /** `runDigest` of the offer. */
  run: Digest
  named: NamedContract
  plan: RunPlan
  /** Of each input of the plan, in its order: verified to be its owner's. */
  statements: readonly DataStatement[]
  access: BoardAccess
  /** Of a training that goes on: from which state, as whoever asked says. */
  goesOnFrom?: RunCheckpoint
  /** Opens what the KMS releases for the run. */
  wrap: KemPrivateKey
  /** Signs what the room says of the run. */
  signer: PreparedSigner
}

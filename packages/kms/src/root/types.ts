import type { Custodian } from '@sotto/protocol/custody'
import type { Digest, LoggedStatement } from '@sotto/protocol/keyrelease'
import type { LogClient } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'
import type { KmsClock } from '../clock/index.ts'
import type { RequestKey } from '../state/types.ts'
import type { RecoveryCeremony } from './ceremony.ts'
import type { RootHistory } from '@sotto/verifier/custody'

/** Where the root secret comes from, as configured. */
export type RootConfig =
  /** This measurement on this machine derives it. */
  | ({ source: 'tee' } & RootFolder)
  /** It is in memory only; k custodians bring it back. */
  | ({ source: 'custodians' } & RootFolder & Sharing)
  /** Azure Managed HSM releases a key to what it was attested to be. */
  | ({ source: 'azure-managed-hsm' } & RootFolder & HsmKey)

/** Where what is neither secret nor believed is kept. */
export interface RootFolder {
  /** Absent: in the folder of the store. */
  folder: string | undefined
}

/** A key of a managed HSM, and who attests for this machine. */
export interface HsmKey {
  /** `https://<name>.managedhsm.azure.net`. */
  vaultUrl: string
  keyName: string
  /** 32 hexadecimal digits. */
  keyVersion: string
  /** The version before, while its place is taken by `keyVersion`. */
  previousKeyVersion: string | undefined
  /** Azure Attestation: `https://<name>.<region>.attest.azure.net`. */
  maa: string
  /** Of a user-assigned managed identity; absent: that of the machine. */
  clientId: string | undefined
  /** Whoever administers the HSM may change to whom it releases the key: they are believed, then. Default false. */
  allowMutablePolicy: boolean
}

/** Who holds shares of the root secret, and how many of them open it. */
export interface Sharing {
  threshold: number
  custodians: Custodian[]
}

/** What a source may use while it obtains the secret. */
export interface RootTools {
  hardware: TrustedHardware
  clock: KmsClock
  openLog(): LogClient
  /** The genesis the configuration insists on. */
  expectGenesis: Digest | undefined
  /** Told that custodians are waited for; what they send goes to the ceremony. */
  onWaiting(ceremony: RecoveryCeremony): void
  /** Aborted when this process is to end. */
  signal: AbortSignal
  /** Told the code of a failure after which it is tried again. */
  onRetry(code: string): void
}

/** A root secret, and how it was come by. */
export interface ObtainedRoot {
  /**
   * What the store may be sealed under, the newest first: one secret, or two while a rotation of the root
   * is under way.
   */
  secrets: Uint8Array[]
  /** Custodians brought it back. */
  recovered?: Recovered
  /** The KMS before this one handed it over, with what else lives in memory only. */
  handedOver?: TakenOver
}

/** What came with a root secret that another KMS handed over. */
export interface TakenOver {
  genesis: Digest
  /** The statement key that the old KMS logged as its successor's, not certified yet. */
  statementKey: { seed: Uint8Array; publicKey: Uint8Array }
  /** Live request keys of the published set. */
  keys: RequestKey[]
}

/** What a recovery established. */
export interface Recovered {
  history: RootHistory
  /** Of the session, base64url. */
  nonce: string
  generation: number
  /** Of the shares that were combined. */
  indexes: number[]
  /** As many custodians as the threshold agreed to begin with an empty store. */
  forgetStore: boolean
}

/** What a source is told of the KMS it keeps the secret for. */
export interface RootOwner {
  digest: Digest
  genesis: LoggedStatement
}

/**
 * Keeps the one secret everything else of a KMS hangs on. An implementation belongs to one process.
 *
 * Contract:
 * - `obtain` gives the secret or waits for it; for a new KMS it makes one. An error that
 *   says `retry` leaves everything as it was.
 * - `stage` is called before anything is sealed under a next secret. When it returns, a start finds both
 *   secrets, whatever was written since; when it throws, a start finds at least the current one.
 * - `settle` is called when store and, where there are custodians, logged shares are those of `secret`
 *   alone. It may be called again.
 * - Whoever holds the medium of a source can destroy it, and learns nothing from it.
 */
export interface RootSource {
  readonly name: string
  /** Shares to make of every new secret; absent where no custodians are configured. */
  readonly sharing: Sharing | undefined
  /** Whether it can keep another secret than the first. */
  readonly canRotate: boolean
  /**
   * @returns nothing when `signal` was aborted first
   * @throws `KMS_STORE_SEALED`, `KMS_ROOT_FILE`, `KMS_NO_SHARES`, `KMS_HSM_*`, `TEE_NO_SEALING`, those of log and hardware
   */
  obtain(tools: RootTools): Promise<ObtainedRoot | undefined>
  /** @throws `KMS_STORE_FULL`, `KMS_STORE_FAILED` */
  stage(next: Uint8Array, current: Uint8Array): Promise<void>
  /** @throws `KMS_STORE_FULL`, `KMS_STORE_FAILED` */
  settle(secret: Uint8Array, owner: RootOwner): Promise<void>
}

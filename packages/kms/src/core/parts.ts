import type { LogClient, Tree } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'
import type { KmsClock } from '../clock/index.ts'
import type { KmsConfig } from '../config/index.ts'
import type { KmsRoot } from '../root/index.ts'
import type { SealedStore, StoreTerm } from '../store/index.ts'

/** What a KMS is put together from; tests bring their own. */
export interface KmsParts {
  config: KmsConfig
  store: SealedStore
  /** Says how long the store is this KMS's own. Absent: always. */
  term?: Pick<StoreTerm, 'isHeld' | 'confirm'>
  /** The root secret and where it is kept. */
  root: KmsRoot
  hardware: TrustedHardware
  clock: KmsClock
  /** Milliseconds for rate limits, never going back. Default `performance.now`. */
  monotonic?: () => number
  /** Makes the log client that continues from the newest tree this KMS has seen. */
  openLog(lastSeen: Tree | undefined): LogClient
}

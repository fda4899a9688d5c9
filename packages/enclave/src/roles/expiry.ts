import { SottoError } from '@sotto/protocol/errors'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import type { KmsClient } from '../release/index.ts'

/**
 * Codes of {@link SottoError} about the end of a deployment.
 * - `DEPLOYMENT_EXPIRED` (stop): the measured configuration says until when this deployment serves, and it is later. An enclave that starts then ends with this error, and one that runs says so at `/readyz`.
 */
export type DeploymentErrorCode = 'DEPLOYMENT_EXPIRED'

/** The end of a deployment. */
export interface Expiry {
  /** Whether it has come; it never goes away again. */
  isOver(): boolean
  /** @throws `DEPLOYMENT_EXPIRED` */
  requireBefore(): void
  /** The same KMS, which is asked for no key any more then. */
  guard<K extends KmsClient>(kms: K): K
}

/**
 * @param expiresAt by the measured configuration; undefined: never
 * @param now the trusted clock, which witnesses keep from running late: asked again after every word of theirs
 */
export function createExpiry(expiresAt: UnixSeconds | undefined, now: () => UnixSeconds): Expiry {
  const isOver = (): boolean => expiresAt !== undefined && now() >= expiresAt
  function requireBefore(): void {
    if (!isOver()) return
    throw new SottoError<DeploymentErrorCode>('DEPLOYMENT_EXPIRED', 'stop', 'this deployment has ended', {
      expected: `before ${new Date(expiresAt! * 1000).toISOString()}`,
      hint: 'deploy it again, with a later expiresAt',
    })
  }
  return {
    isOver,
    requireBefore,
    guard: (kms) => ({
      ...kms,
      async release(request) {
        requireBefore()
        return kms.release(request)
      },
    }),
  }
}

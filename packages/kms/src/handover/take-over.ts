import { SottoError } from '@sotto/protocol/errors'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { pause } from '../clock/index.ts'
import { kmsError } from '../errors.ts'
import type { ObtainedRoot, RootSource } from '../root/index.ts'
import type { KmsState, RequestKey } from '../state/index.ts'
import { takeFrom, type TakeoverTools } from './take.ts'

/** Pause before a KMS that does not hand over now is asked again. */
const RETRY_MS = 1000

/** How long to go on, and whom to tell. */
export interface TakeoverPatience {
  signal: AbortSignal
  /** Told the code of a failure after which it is tried again. */
  onRetry(code: string): void
  /** Milliseconds between two rounds. Default 1000. */
  retryMs?: number
}

/**
 * Asks the configured peers in turn, before the root source is asked. One that does not hand over now, because a
 * member holds it or the log is not there, is waited for; one that refuses this KMS ends the start.
 * @returns nothing when no peer serves, or `signal` was aborted
 * @throws `KMS_ROOT_FILE` where a secret that comes from elsewhere cannot be kept; the errors of {@link takeFrom} that
 * another try does not change
 */
export async function takeOver(
  source: RootSource,
  tools: TakeoverTools,
  { signal, onRetry, retryMs = RETRY_MS }: TakeoverPatience,
): Promise<ObtainedRoot | undefined> {
  const { peers } = tools.config
  if (peers.length > 0 && !source.canRotate)
    throw kmsError('KMS_ROOT_FILE', 'there is no folder to keep a root secret in that is handed over', {
      hint: 'Configure root.folder.',
    })
  while (peers.length > 0 && !signal.aborted) {
    let isLater = false
    for (const url of peers) {
      try {
        return await takeFrom(url, tools)
      } catch (error) {
        if (!(error instanceof SottoError) || error.action !== 'retry') throw error
        onRetry(error.code)
        if (error.code !== 'KMS_PEER_UNREACHABLE') isLater = true
      }
    }
    if (!isLater) return undefined
    await pause(retryMs, signal)
  }
  return undefined
}

/**
 * What was handed over belongs to the store it was handed over with: an empty one, or another's, would begin anew
 * under a root key that has a history (T11).
 * @throws `KMS_STATE_ROLLED_BACK`, `KMS_GENESIS_MISMATCH`
 */
export function requireStoreOf({ identity }: KmsState, genesis: string): void {
  if (identity === undefined)
    throw kmsError('KMS_STATE_ROLLED_BACK', 'the store is empty, and the KMS that handed over had one', {
      hint: 'Start over the same store, or a copy made after the other one ended.',
    })
  if (identity.digest === genesis) return
  throw kmsError('KMS_GENESIS_MISMATCH', 'the store is of another KMS than the one that handed over', {
    expected: genesis,
    found: identity.digest,
  })
}

/** Destroys handed-over keys whose time ended while the store was waited for (T4). */
export function dropExpired(obtained: ObtainedRoot, now: UnixSeconds): void {
  const { handedOver } = obtained
  if (handedOver === undefined) return
  const isOver = ({ destroyAt }: RequestKey): boolean => destroyAt < now
  for (const key of handedOver.keys.filter(isOver)) key.privateKey.fill(0)
  handedOver.keys = handedOver.keys.filter((key) => !isOver(key))
}

import { fromHex, toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { hasCode } from '@sotto/protocol/errors'
import { parseTrustBundle, type TrustBundle } from '@sotto/protocol/evidence'
import { proveConsistency } from '@sotto/protocol/merkle'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import {
  type BundleResult,
  loadMissingFamilies,
  type Step,
  type TrustPolicy,
  verifyTrustBundle,
} from '@sotto/verifier'
import { clientError } from '../errors.ts'
import { fetchBundle } from './fetch-bundle.ts'
import { tileReader } from './fetch-tile.ts'
import { foreseeSignatures } from './foresee.ts'
import type { CheckpointMemory } from './last-checkpoint.ts'

/** Everything one verification needs. */
export interface TrustSource {
  /** Where the bundle is, and the log's tiles. */
  trustUrl: URL
  logUrl: URL
  policy: TrustPolicy
  fetch: typeof globalThis.fetch
  /** Seconds since the Unix epoch. */
  now: () => number
  memory: CheckpointMemory
  onStep: ((step: Step) => void) | undefined
  /** What the evidence has to be made for: part of `trustUrl` too. Absent in every source that requests rest on. */
  nonce?: string
}

/**
 * Fetches and verifies the trust bundle, and remembers the log it saw when it was accepted. Sends
 * nothing but the request for the bundle, and for tiles of a log that grew.
 * @throws `BUNDLE_UNREACHABLE`, `BUNDLE_INVALID`, `STORAGE_INVALID`; `FAMILY_NOT_LOADED` in a page that loads verifiers on
 * demand and cannot; a refusal is a verdict, not an error
 * @returns with the bytes that were judged
 */
export async function checkOnce(
  source: TrustSource,
  signal?: AbortSignal,
): Promise<BundleResult & { bytes: Uint8Array }> {
  const { policy, memory } = source
  const [bytes, seen] = await Promise.all([
    fetchBundle(source.trustUrl, source.fetch, signal),
    memory.recall(),
  ])
  const bundle = parseBundle(bytes)
  const context = {
    now: source.now(),
    ...(source.nonce !== undefined && { nonce: source.nonce }),
    ...(seen !== undefined && {
      lastCheckpoint: { size: seen.size, root: fromHex(seen.root) },
      consistency: await consistencyWith(seen.size, bundle, source, signal),
    }),
  }
  const judge = (): Promise<BundleResult> =>
    publicCrypto.verifyTogether(
      () => verifyTrustBundle(bundle, policy, context),
      () => foreseeSignatures(bundle, policy),
    )
  let result = await judge()
  // A verdict that lacked a verifier refused: it is made again, from the start.
  while (await loadMissingFamilies()) result = await judge()
  if (source.onStep !== undefined) result.verdict.steps.forEach(source.onStep)
  if (result.service !== undefined) {
    const { size, root } = result.service.checkpoint
    await memory.remember({ size, root: toHex(root) })
  }
  return { ...result, bytes }
}

function parseBundle(bytes: Uint8Array): TrustBundle {
  try {
    return parseTrustBundle(bytes)
  } catch (cause) {
    const { message } = cause as Error
    throw clientError('BUNDLE_INVALID', 'the relay answered with something that is not a trust bundle', {
      found: message,
      cause,
    })
  }
}

/** Largest log for which tiles are fetched: 2^40 entries, so that a forged size costs a few requests only. */
const MAX_TREE_SIZE = 2 ** 40

async function consistencyWith(
  seen: number,
  bundle: TrustBundle,
  source: TrustSource,
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const size = claimedSize(bundle)
  if (size === undefined || size === seen || size > MAX_TREE_SIZE) return []
  const read = tileReader(source.logUrl, source.fetch, signal)
  if (size > seen) return proveConsistency(seen, size, read)
  // Ordinary: a token issuer shows newer checkpoints than the bundle, which is good for a while. But a log that has no
  // tiles of what was seen of it has shrunk, and a step says so.
  return proveConsistency(size, seen, read).catch((error: unknown) => {
    signal?.throwIfAborted()
    if (hasCode(error, 'BUNDLE_UNREACHABLE') || hasCode(error, 'MERKLE_TILE')) return []
    throw error
  })
}

/** Size the unverified checkpoint claims; undefined when it does not even parse, which a step will say. */
function claimedSize(bundle: TrustBundle): number | undefined {
  try {
    return parseCheckpoint(parseNote(bundle.checkpoint).text).size
  } catch {
    return undefined
  }
}

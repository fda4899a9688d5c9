import { crypto } from '@sotto/protocol/crypto-backend'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import { memoryStorage } from '../trust/last-checkpoint.ts'
import type { SottoStorage } from '../types.ts'
import { seenMarks } from './cache/seen.ts'
import { type EndpointName, resolveEndpoints } from './endpoints.ts'
import { collateralError } from './errors.ts'
import { type FetchContext, meetNeed, type Met } from './fetch-need.ts'
import type { HttpOptions } from './http/index.ts'
import { vendorRoots } from './roots.ts'
import { sourceOf } from './sources/index.ts'
import type { CollateralRoots, Need, TcbUpdate } from './types.ts'

/** Options of {@link fetchCollateral}. */
export interface FetchCollateralOptions extends HttpOptions {
  /** Answers that were fetched before. Whoever can write here can do no more than a vendor's server can. @default none */
  cache?: SottoStorage
  /**
   * The newest answers seen. Must outlive the cache: whoever can make it forget can show what is older.
   * @default memory only: each process starts without a past
   */
  seen?: SottoStorage
  /** Mirrors in the place of vendors' addresses. */
  mirrors?: Partial<Record<EndpointName, string>>
  /** Asks vendors even for what the cache has. @default false */
  refresh?: boolean
  /** Which of Intel's TCB evaluations: `early` has a recovery before the fixes are everywhere. @default 'standard' */
  tcbUpdate?: TcbUpdate
  /** Asks Azure's caches instead of AMD and Intel. They lag behind. @default false */
  azure?: boolean
  /** False takes OCSP answers without a nonce, which are then as old as their own dates allow. @default true */
  requireOcspNonce?: boolean
  /** Others are for tests. @default the vendors' */
  roots?: CollateralRoots
  /** Seconds since the Unix epoch. @default the system clock */
  now?: () => number
  /** @default the system generator */
  randomBytes?: (length: number) => Uint8Array
  /** Called for each need as it is met. */
  onMet?: (met: Met) => void
  /** Told of what went wrong and did not matter. */
  onNote?: (note: string) => void
}

/** A need that could not be met. */
export interface Unmet {
  what: string
  error: SottoError
}

/** What was fetched. Nothing in it has to be trusted: a verifier proves each piece. */
export interface FetchedCollateral {
  pieces: Record<string, Uint8Array>
  met: Met[]
  /** Empty when everything is there. */
  unmet: Unmet[]
  /** Unix seconds. */
  fetchedAt: number
}

/** What one piece of evidence may need in all: eight GPUs and four switches need about 60. */
const MAX_NEEDS = 128

/**
 * Fetches what evidence needs, one after the other: vendors limit how often they are asked. What cannot be
 * had is listed, so that everything wrong shows at once.
 *
 * Vendors learn from the questions which chip and firmware somebody at this address verifies.
 *
 * @example
 * const { pieces, unmet } = await fetchCollateral(collateralNeeds(evidence), { cache, seen })
 *
 * @throws `COLLATERAL_ADDRESS`, `COLLATERAL_MEMORY`; what the signal was aborted with
 */
export async function fetchCollateral(
  needs: readonly Need[],
  options: FetchCollateralOptions = {},
): Promise<FetchedCollateral> {
  const context = contextOf(options)
  const fetched: FetchedCollateral = { pieces: {}, met: [], unmet: [], fetchedAt: context.now() }
  const queue = [...needs]
  const asked = new Set<string>()
  for (let need = queue.shift(); need !== undefined; need = queue.shift()) {
    const source = sourceOf(need)
    const key = source.key(need, context.update)
    if (asked.has(key)) continue
    if (asked.size === MAX_NEEDS)
      throw collateralError('COLLATERAL_EVIDENCE', 'the evidence needs too much', {
        expected: `at most ${MAX_NEEDS}`,
      })
    asked.add(key)
    try {
      const met = await meetNeed(need, context)
      Object.assign(fetched.pieces, met.pieces)
      fetched.met.push(met)
      options.onMet?.(met)
      queue.push(...(met.more ?? []))
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!(error instanceof SottoError) || error.code === 'COLLATERAL_MEMORY') throw error
      const otherwise = 'otherwise' in need ? need.otherwise : undefined
      if (otherwise !== undefined && hasCode(error, 'COLLATERAL_MISSING')) queue.unshift(otherwise)
      else fetched.unmet.push({ what: source.what(need), error })
    }
  }
  return fetched
}

function contextOf(options: FetchCollateralOptions): FetchContext {
  const { tcbUpdate = 'standard', azure = false, refresh = false, requireOcspNonce = true } = options
  const now = options.now ?? ((): number => Math.floor(Date.now() / 1000))
  return {
    endpoints: resolveEndpoints(options.mirrors),
    cache: options.cache,
    seen: seenMarks(options.seen ?? memoryStorage()),
    roots: options.roots ?? vendorRoots(),
    update: tcbUpdate,
    azure,
    refresh,
    requireOcspNonce,
    now,
    randomBytes: options.randomBytes ?? ((length) => crypto.randomBytes(length)),
    meetings: new Map(),
    http: { nowMs: () => now() * 1000, ...options },
    onNote: options.onNote ?? (() => {}),
  }
}

import { SottoError } from '@sotto/protocol/errors'
import type { SottoStorage } from '../types.ts'
import { decodeEntryOf, encodeEntry } from './cache/entry.ts'
import type { SeenMarks } from './cache/seen.ts'
import type { Endpoints } from './endpoints.ts'
import { collateralError } from './errors.ts'
import { ask, type HttpAnswer, type HttpOptions } from './http/index.ts'
import { OCSP_NONCE_BYTES } from './ocsp-request.ts'
import { sourceOf } from './sources/index.ts'
import type { CollateralRoots, Fetched, Need, ReadContext, TcbUpdate } from './types.ts'

/** What {@link fetchNeed} works with; see `FetchCollateralOptions`. */
export interface FetchContext {
  endpoints: Endpoints
  cache: SottoStorage | undefined
  seen: SeenMarks
  roots: CollateralRoots
  update: TcbUpdate
  azure: boolean
  refresh: boolean
  requireOcspNonce: boolean
  now: () => number
  randomBytes: (length: number) => Uint8Array
  http: HttpOptions
  /** What was met, or could not be, by key of the need: nothing is asked twice in one run. */
  meetings: Map<string, Promise<Met>>
  onNote: (note: string) => void
}

/** A need that was met, and by what. */
export interface Met extends Fetched {
  /** For people. */
  what: string
  /** Where it came from: an address, or `cache`. */
  from: string
}

/**
 * Meets one need, once in a run: from the cache while it is fresh there, otherwise from the vendor. Either way
 * the answer is read and authenticated anew, and refused when a newer one was seen before.
 *
 * @throws `COLLATERAL_…`; what the signal was aborted with
 */
export function meetNeed(need: Need, context: FetchContext): Promise<Met> {
  const key = sourceOf(need).key(need, context.update)
  let meeting = context.meetings.get(key)
  if (meeting === undefined) context.meetings.set(key, (meeting = fetchNeed(need, context)))
  return meeting
}

async function fetchNeed(need: Need, context: FetchContext): Promise<Met> {
  const { cache, seen, update, azure, now } = context
  const source = sourceOf(need)
  const what = source.what(need)
  const nonce = context.randomBytes(OCSP_NONCE_BYTES)
  const question = source.question(need, { endpoints: context.endpoints, update, azure, nonce })
  // By address: what one mirror answered is never taken for the vendor's word, or another mirror's.
  const key = `${source.key(need, update)} ${question.url.href}`
  if (!context.refresh) {
    const kept = await fromCache(need, key, context)
    if (kept !== undefined) return { ...kept, what, from: 'cache' }
  }
  const answer = await ask(question, context.http)
  const fetchedAt = now()
  const { isProven, ...fetched } = await read(need, answer, context, {
    fetchedAt,
    ...(context.requireOcspNonce && { nonce }),
  })
  if (fetched.mark !== undefined) {
    await seen.require(fetched.mark)
    await seen.raise(fetched.mark)
  }
  const isVouchedFor = source.keepsOnlyFrom === undefined || question.url.origin === source.keepsOnlyFrom
  if (isProven && isVouchedFor)
    await keep(cache, key, encodeEntry(key, { fetchedAt, answer }, source.headers ?? []), context)
  if (!isVouchedFor)
    context.onNote(`${what}: nobody signs them, and ${question.url.host} is a mirror: it may have made them`)
  return { ...fetched, what, from: question.url.href }
}

/** What the cache has, when it is whole, fresh, and not older than anything seen. */
async function fromCache(need: Need, key: string, context: FetchContext): Promise<Fetched | undefined> {
  const { cache, seen, now, onNote } = context
  if (cache === undefined) return undefined
  try {
    const value = await cache.get(key)
    if (value === undefined) return undefined
    const entry = decodeEntryOf(key, value)
    if (entry === undefined) throw new Error('it is damaged')
    if (entry.fetchedAt > now()) return undefined
    const fetched = await read(need, entry.answer, context, { fetchedAt: entry.fetchedAt })
    if (fetched.freshUntil <= now()) return undefined
    if (fetched.mark !== undefined) await seen.require(fetched.mark)
    return fetched
  } catch (error) {
    context.http.signal?.throwIfAborted()
    const { code, message } = error as { code?: string; message: string }
    if (code === 'COLLATERAL_MEMORY') throw error
    if (code !== 'COLLATERAL_EXPIRED' && code !== 'X509_EXPIRED')
      onNote(`${sourceOf(need).what(need)}: what is in the cache is not used: ${message}`)
    return undefined
  }
}

/** A full disk must not keep anybody from a verdict. */
async function keep(
  cache: SottoStorage | undefined,
  key: string,
  entry: string,
  { onNote }: FetchContext,
): Promise<void> {
  try {
    await cache?.set(key, entry)
  } catch (error) {
    onNote(`the cache cannot be written: ${(error as Error).message}`)
  }
}

/** Reads and authenticates an answer; whatever parsers have against it is ours in the end. */
async function read(
  need: Need,
  answer: HttpAnswer,
  context: FetchContext,
  more: Pick<ReadContext, 'fetchedAt' | 'nonce'>,
): Promise<Fetched & { isProven: boolean }> {
  const { roots, update, now, http } = context
  const source = sourceOf(need)
  try {
    const fetched = source.read(need, answer, { roots, update, now: now(), ...more })
    return { ...fetched, isProven: await prove(fetched, context) }
  } catch (cause) {
    http.signal?.throwIfAborted()
    if (cause instanceof SottoError && cause.code.startsWith('COLLATERAL_')) throw cause
    const { code, message, expected, found } = cause as SottoError
    throw collateralError(
      code === 'X509_EXPIRED' ? 'COLLATERAL_EXPIRED' : 'COLLATERAL_INVALID',
      `${source.what(need)} is not what it must be: ${message}`,
      {
        cause,
        ...(expected !== undefined && { expected }),
        ...(found !== undefined && { found }),
      },
    )
  }
}

/**
 * Authenticates an answer with another one. False where that cannot be had: then the answer is as good as a
 * verifier finds it, and not kept.
 *
 * @throws errors of the X.509 package where it is forged; `COLLATERAL_MEMORY`
 */
async function prove({ proof }: Fetched, context: FetchContext): Promise<boolean> {
  if (proof === undefined) return true
  let pieces: Fetched['pieces']
  try {
    ;({ pieces } = await meetNeed(proof.need, context))
  } catch (error) {
    context.http.signal?.throwIfAborted()
    if (!(error instanceof SottoError) || error.code === 'COLLATERAL_MEMORY') throw error
    return false
  }
  proof.verify(pieces)
  return true
}

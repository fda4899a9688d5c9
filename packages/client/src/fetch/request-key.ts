import {
  chooseSuite,
  COMPATIBILITY_SUITES,
  DEFAULT_SUITES,
  OhttpClientKey,
  type OhttpRequestSealer,
  parseKeyConfig,
} from '@sotto/protocol/ohttp'
import type { TrustedService, UsableKey } from '@sotto/verifier'
import { clientError } from '../errors.ts'

/** A verified key ready for use. */
export interface RequestKey {
  keyId: number
  /** Fresh keys for one request, encapsulated while nobody waited where there was time for it. */
  seal(): OhttpRequestSealer
  /** Has the next one ready soon. */
  prepare(): void
}

/** When the next request's keys are made: this one is on its way by then, and its answer mostly is not. */
const PREPARE_MS = 50

/** Which key encapsulation is acceptable was the policy's decision, made during verification. */
const SUITES = [...DEFAULT_SUITES, ...COMPATIBILITY_SUITES]

const prepared = new WeakMap<UsableKey, RequestKey>()

/**
 * The key everybody uses now: the most preferred one that is valid.
 * @throws `KEY_UNKNOWN` when the last one has just run out
 */
export function requestKey(service: TrustedService, nowSeconds: number): RequestKey {
  const usable = service.keys.find(
    ({ notBefore, notAfter }) => notBefore <= nowSeconds && nowSeconds < notAfter,
  )
  if (usable === undefined) throw clientError('KEY_UNKNOWN', 'no verified request key is valid any more')
  const known = prepared.get(usable)
  if (known !== undefined) return known
  const { config, algorithm } = chooseSuite([parseKeyConfig(usable.config)], SUITES)
  const made = preparing(usable.keyId, () => new OhttpClientKey(config, algorithm))
  prepared.set(usable, made)
  return made
}

/**
 * To encapsulate takes half a millisecond here and twenty in a browser, and to read the key ten there: no request need wait
 * for it, and no verdict.
 */
function preparing(keyId: number, read: () => OhttpClientKey): RequestKey {
  let key: OhttpClientKey | undefined
  let ready: OhttpRequestSealer | undefined
  let isPlanned = false
  function prepare(): void {
    if (isPlanned) return
    isPlanned = true
    whenIdle(() => {
      isPlanned = false
      try {
        ready ??= (key ??= read()).request()
      } catch {
        // Nobody catches what a timer throws: the request itself tries again, and says it.
      }
    })
  }
  return {
    keyId,
    prepare,
    seal() {
      const sealer = ready ?? (key ??= read()).request()
      ready = undefined
      prepare()
      return sealer
    },
  }
}

/** A page is to show what it got first; a process that has nothing else to do ends meanwhile. */
function whenIdle(run: () => void): void {
  const page = globalThis as { requestIdleCallback?: (run: () => void) => unknown }
  if (page.requestIdleCallback !== undefined) return void page.requestIdleCallback(run)
  const timer: unknown = setTimeout(run, PREPARE_MS)
  if (typeof timer === 'object') (timer as { unref?: () => void }).unref?.()
}

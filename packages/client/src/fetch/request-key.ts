import {
  chooseSuite,
  COMPATIBILITY_SUITES,
  DEFAULT_SUITES,
  OhttpClientKey,
  parseKeyConfig,
} from '@sotto/protocol/ohttp'
import type { TrustedService, UsableKey } from '@sotto/verifier'
import { clientError } from '../errors.ts'

/** A verified key ready for use. */
export interface RequestKey {
  keyId: number
  key: OhttpClientKey
}

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
  const made = { keyId: usable.keyId, key: new OhttpClientKey(config, algorithm) }
  prepared.set(usable, made)
  return made
}

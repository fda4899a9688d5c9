import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite } from '../hpke/index.ts'
import { ohttpError } from './errors.ts'
import type { OhttpAlgorithm, OhttpKeyConfig } from './key-config.ts'

/** A KEM with the algorithms of one exchange. */
export interface OhttpSuite extends OhttpAlgorithm {
  readonly kemId: number
}

const { HKDF_SHA256, HKDF_SHA384 } = HPKE_KDF
const { AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305 } = HPKE_AEAD

/** What gateways offer and clients accept, most preferred first. */
export const DEFAULT_SUITES: readonly OhttpSuite[] = [
  { kemId: HPKE_KEM.X_WING, kdfId: HKDF_SHA256, aeadId: AES_128_GCM },
  { kemId: HPKE_KEM.X_WING, kdfId: HKDF_SHA256, aeadId: CHACHA20_POLY1305 },
  { kemId: HPKE_KEM.DHKEM_X25519, kdfId: HKDF_SHA256, aeadId: AES_128_GCM },
  { kemId: HPKE_KEM.DHKEM_X25519, kdfId: HKDF_SHA256, aeadId: CHACHA20_POLY1305 },
]

/** Only for peers that are bound to NIST curves: not post-quantum, and never chosen unless asked for. */
export const COMPATIBILITY_SUITES: readonly OhttpSuite[] = [
  { kemId: HPKE_KEM.DHKEM_P384, kdfId: HKDF_SHA384, aeadId: AES_256_GCM },
]

/**
 * The configuration and algorithm a client uses: the first acceptable suite that any configuration
 * offers. The floor is the caller's list, so nobody on the way can push it lower.
 * @throws `OHTTP_NO_SUITE`
 */
export function chooseSuite(
  configs: readonly OhttpKeyConfig[],
  acceptable: readonly OhttpSuite[] = DEFAULT_SUITES,
): { config: OhttpKeyConfig; algorithm: OhttpAlgorithm } {
  for (const suite of acceptable) {
    for (const config of configs) {
      if (config.kemId !== suite.kemId) continue
      const algorithm = config.algorithms.find(
        (one) => one.kdfId === suite.kdfId && one.aeadId === suite.aeadId,
      )
      if (algorithm !== undefined) return { config, algorithm }
    }
  }
  throw ohttpError('OHTTP_NO_SUITE')
}

/**
 * The HPKE suite of an exchange. RFC 9458 Section 4.4 derives the response with Extract and Expand and
 * seals it, so one-stage KDFs and the export-only AEAD cannot be used.
 * @throws `HPKE_UNSUPPORTED`, `OHTTP_UNSUPPORTED_SUITE`
 */
export function hpkeSuite({ kemId, kdfId, aeadId }: OhttpSuite): HpkeSuite {
  const suite = new HpkeSuite(kemId, kdfId, aeadId)
  if (suite.kdf.hash === undefined || suite.aead.name === undefined)
    throw ohttpError('OHTTP_UNSUPPORTED_SUITE')
  return suite
}

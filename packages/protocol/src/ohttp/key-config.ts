import { ByteReader, concat, uint } from '../bytes/index.ts'
import { findKem } from '../hpke/index.ts'
import { ohttpError } from './errors.ts'

/** A KDF and an AEAD that go together. */
export interface OhttpAlgorithm {
  readonly kdfId: number
  readonly aeadId: number
}

/** Public key of a gateway with the algorithms it takes (RFC 9458 Section 3.1). Whether it is authentic is for others to say. */
export interface OhttpKeyConfig {
  /** 0 to 255. */
  readonly keyId: number
  readonly kemId: number
  readonly publicKey: Uint8Array
  /** At least one, most preferred first. */
  readonly algorithms: readonly OhttpAlgorithm[]
}

/** Configurations in one list; a gateway rotates keys and needs a few. */
const MAX_CONFIGS = 32

/**
 * Parses one configuration.
 * @throws `OHTTP_KEY_CONFIG` also for a KEM that is not implemented, whose key has no known length.
 */
export function parseKeyConfig(bytes: Uint8Array): OhttpKeyConfig {
  try {
    const reader = new ByteReader(bytes)
    const keyId = reader.uint(1)
    const kemId = reader.uint(2)
    const kem = findKem(kemId)
    if (kem === undefined) throw ohttpError('OHTTP_KEY_CONFIG', { found: `KEM ${kemId}` })
    const publicKey = new Uint8Array(reader.take(kem.publicKeyLength))
    const length = reader.uint(2)
    if (length === 0 || length % 4 !== 0)
      throw ohttpError('OHTTP_KEY_CONFIG', { found: `${length} bytes of algorithms` })
    const list = new ByteReader(reader.take(length))
    reader.end()
    const algorithms: OhttpAlgorithm[] = []
    while (list.remaining > 0) algorithms.push({ kdfId: list.uint(2), aeadId: list.uint(2) })
    return { keyId, kemId, publicKey, algorithms }
  } catch {
    throw ohttpError('OHTTP_KEY_CONFIG')
  }
}

/**
 * Parses `application/ohttp-keys` (RFC 9458 Section 3.2), one or more configurations. Those with a
 * KEM that is not implemented are skipped; any other defect refuses the whole list, and so does a
 * repeated key id.
 * @throws `OHTTP_KEY_CONFIG`
 */
export function parseKeyConfigs(bytes: Uint8Array): OhttpKeyConfig[] {
  if (bytes.length === 0) throw ohttpError('OHTTP_KEY_CONFIG', { found: 'no configuration' })
  const configs: OhttpKeyConfig[] = []
  const ids = new Set<number>()
  const reader = new ByteReader(bytes)
  for (let count = 0; reader.remaining > 0; count++) {
    if (count === MAX_CONFIGS)
      throw ohttpError('OHTTP_KEY_CONFIG', { expected: `at most ${MAX_CONFIGS} configurations` })
    if (reader.remaining < 2) throw ohttpError('OHTTP_KEY_CONFIG')
    const length = reader.uint(2)
    if (length < 3 || length > reader.remaining) throw ohttpError('OHTTP_KEY_CONFIG')
    const config = reader.take(length)
    if (findKem(config[1]! * 256 + config[2]!) === undefined) continue
    const parsed = parseKeyConfig(config)
    if (ids.has(parsed.keyId)) throw ohttpError('OHTTP_KEY_CONFIG', { found: `key id ${parsed.keyId} twice` })
    ids.add(parsed.keyId)
    configs.push(parsed)
  }
  return configs
}

/** Bytes of one configuration. @throws `OHTTP_KEY_CONFIG` for values that have no encoding. */
export function encodeKeyConfig(config: OhttpKeyConfig): Uint8Array {
  const { keyId, kemId, publicKey, algorithms } = config
  if (algorithms.length === 0 || publicKey.length !== findKem(kemId)?.publicKeyLength)
    throw ohttpError('OHTTP_KEY_CONFIG')
  const list = concat(...algorithms.map(({ kdfId, aeadId }) => concat(uint(kdfId, 2), uint(aeadId, 2))))
  return concat(uint(keyId, 1), uint(kemId, 2), publicKey, uint(list.length, 2), list)
}

/** Bytes of a list of configurations, `application/ohttp-keys`. */
export function encodeKeyConfigs(configs: readonly OhttpKeyConfig[]): Uint8Array {
  return concat(
    ...configs.map((config) => {
      const bytes = encodeKeyConfig(config)
      return concat(uint(bytes.length, 2), bytes)
    }),
  )
}

import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { TrustedHardware } from '@sotto/serve/tee'
import type { HsmKey } from '../types.ts'
import { attest, requireAttested } from './attest.ts'
import { METADATA_SERVICE } from './credential.ts'
import { HsmClient } from './hsm-client.ts'
import { readMaterial } from './material.ts'
import { requireMeasuredPolicy } from './release-policy.ts'
import { openTransport, type TransportOptions } from './transport.ts'
import { createReleaseKeyPair, unwrapKey } from './wrapping.ts'

/** For one release with everything it takes. */
const RELEASE_MS = 60_000

/** How the services are reached; tests stand in for them. */
export interface HsmNetwork extends TransportOptions {
  /** Base URL of the metadata service. */
  metadata?: string
}

/**
 * Has the HSM release one version of the key to this machine: a new key pair, evidence about it, a token for the
 * evidence, the key for the token.
 * @returns what root secrets are derived from; the caller overwrites it after use
 * @throws `KMS_HSM_*`, those of the hardware
 */
export async function releaseMaterial(
  key: HsmKey,
  version: string,
  hardware: TrustedHardware,
  { signal, network = {} }: { signal: AbortSignal; network?: HsmNetwork },
): Promise<Uint8Array> {
  const { vaultUrl, keyName, maa, clientId } = key
  const transport = openTransport(network)
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(RELEASE_MS)])
  const family = requireAttested(hardware)
  const { privateKey, runtimeData } = await createReleaseKeyPair()
  const token = await attest(maa, runtimeData, hardware, { transport, signal: bounded })
  const { metadata = METADATA_SERVICE } = network
  const client = new HsmClient({ vaultUrl, clientId, metadata, transport })
  const nonce = toBase64Url(crypto.randomBytes(32))
  const { kty, wrapped, policy } = await client.release({ name: keyName, version, nonce }, token, bounded)
  requireMeasuredPolicy(policy, key, family)
  const released = unwrapKey(wrapped, privateKey)
  try {
    return readMaterial(kty, released)
  } finally {
    released.fill(0)
  }
}

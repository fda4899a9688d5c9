import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { kemById } from '@sotto/protocol/hpke'
import type { ReleasedKeys, ReleaseResponse } from '@sotto/protocol/keyrelease'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener, parseKeyConfig } from '@sotto/protocol/ohttp'
import type { TrustedService } from '@sotto/verifier'
import type { KmsProcess } from '../process/launcher.ts'
import { Enclave, payloadOf } from '../world.ts'

/** Asks a KMS for its keys, as an enclave. */
export async function obtainKeys(kms: KmsProcess): Promise<ReleasedKeys['keys']> {
  const enclave = new Enclave(kms.world.workload)
  const request = await enclave.request(kms.world)
  const response = await kms.call<ReleaseResponse>('/v1/release', request)
  return enclave.open(request, response, kms.world.genesis).keys
}

/** One request sealed to the key a client prefers, opened by whoever holds these keys. */
export function sendThrough(
  { keys }: TrustedService,
  keySet: string,
  held: ReleasedKeys['keys'],
  content: string,
): string {
  const config = parseKeyConfig(keys[0]!.config)
  const sealer = new OhttpClientKey(config, config.algorithms[0]!).request()
  const published = payloadOf<{ keys: { keyId: number; config: string }[] }>(keySet).keys
  const gatewayKeys = held.map(({ keyId, privateKey }) => {
    const { kemId, algorithms } = parseKeyConfig(
      fromBase64Url(published.find((key) => key.keyId === keyId)!.config),
    )
    return new OhttpGatewayKey(keyId, kemById(kemId).importPrivate(fromBase64Url(privateKey)), algorithms)
  })
  const opener = new OhttpRequestOpener({
    isChunked: true,
    findKey: (keyId) => gatewayKeys[held.findIndex((key) => key.keyId === keyId)],
  })
  const pieces = sealer.end(utf8(content)).flatMap((piece) => opener.push(piece))
  return Buffer.concat([...pieces, ...opener.finish()]).toString()
}

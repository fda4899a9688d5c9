import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import type { KmsState } from '@sotto/protocol/evidence'
import { kemById } from '@sotto/protocol/hpke'
import type { ReleasedKeys, ReleaseResponse } from '@sotto/protocol/keyrelease'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener, parseKeyConfig } from '@sotto/protocol/ohttp'
import type { TrustedService } from '@sotto/verifier'
import { bundleOf, judge } from '../client.ts'
import type { KmsProcess } from '../process/launcher.ts'
import { Enclave, payloadOf, type World } from '../world.ts'

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

/** A client that goes on sending, and looks at what its KMS publishes before each request. */
export class SendingClient {
  /** Requests that were read by who holds the keys. */
  sent = 0
  /** Why others were not sent, or not read. */
  readonly refused = new Set<string>()
  #isOver = false
  readonly #ended: Promise<void>

  /**
   * @param held keys of the enclave that reads
   * @param ask gives what the KMS publishes now; what it throws is a refusal
   */
  constructor(world: World, held: ReleasedKeys['keys'], ask: () => Promise<KmsState>) {
    this.#ended = this.#send(world, held, ask)
  }

  async #send(world: World, held: ReleasedKeys['keys'], ask: () => Promise<KmsState>): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      try {
        const state = await ask()
        const { service, refusing } = judge(world, await bundleOf(world, state))
        if (service === undefined) this.refused.add(refusing.join())
        else if (sendThrough(service, state.keySet.envelope, held, `word ${n}`) === `word ${n}`) this.sent++
        else this.refused.add('read as something else')
      } catch (error) {
        this.refused.add(String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Ends when the request under way has. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#ended
  }
}

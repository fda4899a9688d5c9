import { afterEach, expect, it } from 'vitest'
import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, prepareSigner } from '@sotto/protocol/dsse'
import type { KmsState } from '@sotto/protocol/evidence'
import type { InForce } from '@sotto/protocol/governance'
import {
  type KmsCertificate,
  decodeDocument,
  kmsCertificateDecoder,
  type ReleaseResponse,
} from '@sotto/protocol/keyrelease'
import { createKmsSpentSet, type KmsSpentSet } from '../../packages/enclave/src/gateway/tokens/index.ts'
import { createKmsClient } from '../../packages/enclave/src/release/kms-client.ts'
import { KmsProcess } from '../../packages/kms/test/process/launcher.ts'
import { Enclave } from '../../packages/kms/test/world.ts'
import { claim } from '../claims.ts'
import { token } from './party.ts'

let kms: KmsProcess | undefined
afterEach(() => kms?.remove())

async function begin(): Promise<KmsProcess> {
  const started = (kms = await KmsProcess.create())
  await started.start()
  const { inForce } = await started.call<{ inForce: InForce }>('/v1/proposals')
  for (const [name, value] of Object.entries({ genesis: inForce.genesis, inForce }))
    Object.defineProperty(started.world, name, { configurable: true, value })
  const { proposal, id, voters, releases } = started.world.proposal(started.world.policy())
  await started.call('/v1/proposals', { proposal, releases })
  for (const voter of voters) await started.call('/v1/ballots', { ballot: started.world.ballot(id, voter) })
  return started
}

/** The KMS moves to another port with each start. */
async function gatewayOf(kms: KmsProcess): Promise<KmsSpentSet> {
  const enclave = new Enclave(kms.world.workload)
  const { receipt } = await kms.call<ReleaseResponse>('/v1/release', await enclave.request(kms.world))
  const { seed, publicKey } = enclave.receiptKey
  const toKms: typeof fetch = (input, init) =>
    fetch((input as string).replace('http://kms.test', kms.url), init)
  const set = createKmsSpentSet({
    kms: createKmsClient('http://kms.test', toKms),
    genesis: kms.world.genesis,
    signer: prepareSigner({ secretSeed: seed, publicKey }),
    receipt: () => receipt,
    async statementKey() {
      const { certificate } = await kms.call<Pick<KmsState, 'certificate'>>('/v1/genesis')
      const { payload } = parseDsse(utf8(certificate.envelope))
      return fromBase64Url(decodeDocument<KmsCertificate>(payload, kmsCertificateDecoder).signingKey)
    },
    // However long a start takes on a busy machine.
    holdMs: 110_000,
  })
  await set.tick()
  return set
}

it(
  claim('T12', 'two gateways race every token while the KMS is killed, again and again: one lets it in'),
  { timeout: 180_000 },
  async () => {
    const running = await begin()
    const gateways = [await gatewayOf(running), await gatewayOf(running)]
    const context = gateways[0]!.context()
    const tokens: Uint8Array[] = []
    const wins = new Map<number, number>()
    let isOver = false
    const racing = gateways.map(async (gateway) => {
      for (let next = 0; !isOver; next++) {
        while (tokens.length <= next) tokens.push(token(running.world).nonce)
        const entry = { ...token(running.world), nonce: tokens[next]! }
        const [isFirst] = await gateway.set.spend([entry])
        if (isFirst) wins.set(next, (wins.get(next) ?? 0) + 1)
      }
    })
    for (let round = 0; round < 2; round++) {
      const before = wins.size
      await expect.poll(() => wins.size, { timeout: 60_000 }).toBeGreaterThan(before + 2)
      await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 400))
      await running.end('SIGKILL')
      await running.start()
      // Both come back, or nobody is answered.
      await Promise.all(gateways.map((gateway) => gateway.tick().catch(() => undefined)))
    }
    const before = wins.size
    await expect.poll(() => wins.size, { timeout: 60_000 }).toBeGreaterThan(before + 2)
    isOver = true
    await Promise.all(racing)
    expect(gateways.map((gateway) => gateway.context())).toEqual([context, context])
    expect([...wins.values()].filter((count) => count !== 1)).toEqual([])
    expect(wins.size, 'none of those both have asked for is lost').toBeGreaterThanOrEqual(tokens.length - 1)

    // Told to end, it says so in the log, and the next start has nobody to wait for.
    expect(await running.end('SIGTERM')).toBe(0)
    await running.start()
    const fresh = await gatewayOf(running)
    expect(fresh.context()).toEqual(context)
    const used = { ...token(running.world), nonce: tokens[0]! }
    expect(await fresh.set.spend([used, token(running.world)])).toEqual([false, true])
  },
)

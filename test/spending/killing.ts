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
import { expect } from 'vitest'
import { createKmsSpentSet, type KmsSpentSet } from '../../packages/enclave/src/gateway/tokens/index.ts'
import { createKmsClient } from '../../packages/enclave/src/release/kms-client.ts'
import type { KmsProcess, StartChange } from '../../packages/kms/test/process/launcher.ts'
import { Enclave } from '../../packages/kms/test/world.ts'
import { token } from './party.ts'

/** Starts a KMS in a process of its own, and lets members accept its first policy. */
export async function begin(kms: KmsProcess, change: StartChange = {}): Promise<void> {
  await kms.start(change)
  const { inForce } = await kms.call<{ inForce: InForce }>('/v1/proposals')
  for (const [name, value] of Object.entries({ genesis: inForce.genesis, inForce }))
    Object.defineProperty(kms.world, name, { configurable: true, value })
  const { proposal, id, voters, releases } = kms.world.proposal(kms.world.policy())
  await kms.call('/v1/proposals', { proposal, releases })
  for (const voter of voters) await kms.call('/v1/ballots', { ballot: kms.world.ballot(id, voter) })
}

/** A gateway of this KMS, which moves to another port with each start; `serving` says which of its replicas to ask. */
export async function gatewayOf(
  kms: KmsProcess,
  serving: () => KmsProcess = () => kms,
): Promise<KmsSpentSet> {
  const enclave = new Enclave(kms.world.workload)
  const { receipt } = await kms.call<ReleaseResponse>('/v1/release', await enclave.request(kms.world))
  const { seed, publicKey } = enclave.receiptKey
  const toKms: typeof fetch = (input, init) =>
    fetch((input as string).replace('http://kms.test', serving().url), init)
  const set = createKmsSpentSet({
    kms: createKmsClient('http://kms.test', toKms),
    genesis: kms.world.genesis,
    signer: prepareSigner({ secretSeed: seed, publicKey }),
    receipt: () => receipt,
    async statementKey() {
      const { certificate } = await serving().call<Pick<KmsState, 'certificate'>>('/v1/genesis')
      const { payload } = parseDsse(utf8(certificate.envelope))
      return fromBase64Url(decodeDocument<KmsCertificate>(payload, kmsCertificateDecoder).signingKey)
    },
    // However long a start takes on a busy machine.
    holdMs: 110_000,
  })
  await set.tick()
  return set
}

/**
 * Two gateways race for every token while the KMS, and what its spent set lies in, is killed and started again: each
 * token lets one of them in, and the set goes on under one context.
 */
export async function raceWhileKilled(
  kms: KmsProcess,
  { rounds, restart, change = {} }: { rounds: number; restart: () => Promise<void>; change?: StartChange },
): Promise<void> {
  const gateways = [await gatewayOf(kms), await gatewayOf(kms)]
  const context = gateways[0]!.context()
  const tokens: Uint8Array[] = []
  const wins = new Map<number, number>()
  let isOver = false
  const racing = gateways.map(async (gateway) => {
    for (let next = 0; !isOver; next++) {
      while (tokens.length <= next) tokens.push(token(kms.world).nonce)
      const entry = { ...token(kms.world), nonce: tokens[next]! }
      const [isFirst] = await gateway.set.spend([entry])
      if (isFirst) wins.set(next, (wins.get(next) ?? 0) + 1)
    }
  })
  const untilMore = async (): Promise<void> => {
    const before = wins.size
    await expect.poll(() => wins.size, { timeout: 60_000 }).toBeGreaterThan(before + 2)
  }
  for (let round = 0; round < rounds; round++) {
    await untilMore()
    await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 400))
    await restart()
    // Both come back, or nobody is answered.
    await Promise.all(gateways.map((gateway) => gateway.tick().catch(() => undefined)))
  }
  await untilMore()
  isOver = true
  await Promise.all(racing)
  expect(gateways.map((gateway) => gateway.context())).toEqual([context, context])
  expect([...wins.values()].filter((count) => count !== 1)).toEqual([])
  expect(wins.size, 'none of those both have asked for is lost').toBeGreaterThanOrEqual(tokens.length - 1)

  // Told to end, it says so in the log, and the next start has nobody to wait for.
  expect(await kms.end('SIGTERM')).toBe(0)
  await kms.start(change)
  const fresh = await gatewayOf(kms)
  expect(fresh.context()).toEqual(context)
  const used = { ...token(kms.world), nonce: tokens[0]! }
  expect(await fresh.set.spend([used, token(kms.world)])).toEqual([false, true])
}

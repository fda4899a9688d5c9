import { createHash } from 'node:crypto'
import type { KmsState } from '@sotto/protocol/evidence'
import type { InForce } from '@sotto/protocol/governance'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { bundleOf, judge } from '../client.ts'
import { obtainKeys, SendingClient } from '../handover/enclave-and-client.ts'
import { KmsProcess } from '../process/launcher.ts'
import { type Draft, KMS_IMAGE } from '../world.ts'

let kms: KmsProcess
beforeAll(async () => {
  kms = await KmsProcess.create()
  await kms.start()
  const { inForce } = await kms.call<{ inForce: InForce }>('/v1/proposals')
  for (const [name, value] of Object.entries({ genesis: inForce.genesis, inForce }))
    Object.defineProperty(kms.world, name, { configurable: true, value })
  const { world } = kms
  const hostData = createHash('sha256').update(kms.configText()).digest('hex')
  const releases = [
    world.logRelease(world.workload),
    world.logRelease({ image: KMS_IMAGE, hostData }, { role: 'kms' }),
  ]
  await decide({ ...world.draft('key-release-policy', world.policy()), releases })
})
afterAll(() => kms.remove())

async function decide({ proposal, releases, id, voters }: Draft): Promise<void> {
  await kms.call('/v1/proposals', { proposal, releases })
  for (const voter of voters)
    expect(await kms.call('/v1/ballots', { ballot: kms.world.ballot(id, voter) })).not.toHaveProperty('error')
}

/** Does something again and again. @returns ends it, and gives how often it was done and why it failed */
function repeat(
  pauseMs: number,
  work: () => Promise<void>,
): () => Promise<{ done: number; failed: string[] }> {
  let isOver = false
  const failed = new Set<string>()
  const ended = (async () => {
    let done = 0
    for (; !isOver; done++) {
      await work().catch((error: unknown) => failed.add(String(error)))
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    return { done, failed: [...failed] }
  })()
  return () => {
    isOver = true
    return ended
  }
}

test(
  claim(
    'T15',
    'root keys are replaced while clients send and enclaves start: nothing is refused, and it is ready throughout',
  ),
  async () => {
    const { world } = kms
    const held = await obtainKeys(kms)
    const rootsNow = async (): Promise<unknown[]> => (await kms.call<KmsState>('/v1/keys')).roots ?? []
    const endLooking = repeat(2, async () => {
      const answer = await fetch(`${kms.url}/readyz`)
      if (!answer.ok) throw new Error(await answer.text())
    })
    // The receipts of a second are counted.
    const endStarting = repeat(100, async () => {
      const keys = await obtainKeys(kms)
      if (documentDigest(keys) !== documentDigest(held)) throw new Error('other keys')
    })
    const client = new SendingClient(world, held, () => kms.call<KmsState>('/v1/keys'))
    try {
      for (const generation of [1, 2]) {
        const { sent } = client
        await decide(world.draft('rotate-root', { generation }))
        await expect.poll(rootsNow).toHaveLength(generation)
        await expect.poll(() => client.sent).toBeGreaterThan(sent + 2)
      }
    } finally {
      await client.stop()
      const [looked, started] = [await endLooking(), await endStarting()]
      expect([[...client.refused], looked.failed, started.failed]).toEqual([[], [], []])
      expect(looked.done).toBeGreaterThan(started.done)
      expect(started.done).toBeGreaterThan(4)
    }

    // From what it kept it starts under the newest one.
    await kms.end('SIGTERM')
    await kms.start()
    const after = await kms.call<KmsState>('/v1/keys')
    expect(after.roots).toHaveLength(2)
    expect(judge(world, await bundleOf(world, after)).refusing).toEqual([])
    expect(judge(world, await bundleOf(world, { ...after, roots: [] })).refusing).toEqual(['kms.certificate'])
  },
)

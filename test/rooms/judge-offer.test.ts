import { type JudgeContext, judgeOffer } from '@sotto/client/rooms'
import { toBase64Url } from '@sotto/protocol/bytes'
import { encodeContract, type NamedContract, parseContract, runDigest } from '@sotto/protocol/contract'
import { evidenceDigest } from '@sotto/protocol/keyrelease'
import type { OfferedRun } from '@sotto/protocol/room'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleOf, judge, trustPolicyOf } from '../../packages/kms/test/client.ts'
import { ARTIFACTS, OTHER_ROOM, ROOM, type RoomWorld } from '../../packages/kms/test/contracts/room-world.ts'
import { Enclave } from '../../packages/kms/test/world.ts'
import { claim } from '../claims.ts'
import { namedOf, offeredBy, openAgreed, refusal } from './support/done-run.ts'

let world: RoomWorld
let named: NamedContract
let context: JudgeContext
let honest: OfferedRun

beforeAll(async () => {
  world = await openAgreed()
  named = namedOf(world)
  const { service } = judge(world, await bundleOf(world))
  context = { service: service!, policy: trustPolicyOf(world), now: world.now }
  honest = await offeredBy(world)
})

const KEYS = /other keys than the evidence/
const DOES_NOT_PASS = /the room of this run does not pass/
const NO_SUCH_RUN = /the contract allows no such run/

interface OfferLie {
  what: string
  code: string
  said: RegExp
  found?: RegExp
  offered: () => OfferedRun | Promise<OfferedRun>
  change?: () => Partial<JudgeContext>
  contract?: () => NamedContract
}

const inputs = () => honest.offer.inputs

const OFFERS: OfferLie[] = [
  {
    what: 'a wrapping key that the evidence does not bind',
    code: 'ROOM_OFFER',
    said: KEYS,
    offered: () => offeredBy(world, { wrapKey: toBase64Url(new Enclave(ROOM).wrapKey.publicKey) }),
  },
  {
    what: 'a receipt key that the evidence does not bind',
    code: 'ROOM_OFFER',
    said: KEYS,
    offered: () => offeredBy(world, { receiptKey: toBase64Url(new Enclave(ROOM).receiptKey.publicKey) }),
  },
  {
    what: 'keys of one room and evidence of another',
    code: 'ROOM_OFFER',
    said: KEYS,
    offered: async () => ({ offer: honest.offer, shown: (await offeredBy(world)).shown }),
  },
  {
    what: 'other evidence of the same room than the offer names',
    code: 'ROOM_OFFER',
    said: /the offer is of another room/,
    offered: () => offeredBy(world, { evidence: 'ab'.repeat(32) }),
  },
  {
    what: 'a room whose program the contract does not pin',
    code: 'ROOM_OFFER',
    said: DOES_NOT_PASS,
    found: /^room\.image: the contract pins another program$/,
    offered: () => offeredBy(world, {}, OTHER_ROOM),
  },
  {
    what: 'a workload that is no room',
    code: 'ROOM_OFFER',
    said: DOES_NOT_PASS,
    found: /^room\.evidence: no tuple of role room/,
    offered: () => offeredBy(world, {}, world.workload),
  },
  {
    what: 'evidence that is too old by now',
    code: 'ROOM_OFFER',
    said: DOES_NOT_PASS,
    found: /^room\.checkpoint: too old/,
    offered: () => offeredBy(world, { at: world.now + 86_000, notAfter: world.now + 90_000 }),
    change: () => ({ now: world.now + 86_401 }),
  },
  {
    what: 'a room that the policy revokes',
    code: 'ROOM_OFFER',
    said: DOES_NOT_PASS,
    found: /^room\.evidence: the policy revokes/,
    offered: () => honest,
    change: () => ({ policy: { ...context.policy, revoked: [ROOM.hostData] } }),
  },
  {
    what: 'a contract of another deployment, in a room of this one',
    code: 'ROOM_OFFER',
    said: /another deployment/,
    offered: () => offeredBy(world, { genesis: 'ef'.repeat(32), contract: elsewhere().digest }),
    contract: elsewhere,
  },
  {
    what: 'a run of another contract',
    code: 'CONTRACT_OTHER',
    said: /another contract/,
    offered: () => offeredBy(world, { contract: 'ab'.repeat(32) }),
  },
  {
    what: 'a run for another deployment',
    code: 'CONTRACT_OTHER',
    said: /another contract/,
    offered: () => offeredBy(world, { genesis: 'ab'.repeat(32) }),
  },
  {
    what: 'a transform that the contract does not have',
    code: 'CONTRACT_RUN',
    said: NO_SUCH_RUN,
    offered: () => offeredBy(world, { transform: 'everything' }),
  },
  {
    what: 'a template that nobody approved',
    code: 'CONTRACT_RUN',
    said: NO_SUCH_RUN,
    offered: () => offeredBy(world, { template: 'rows' }),
  },
  {
    what: 'no template',
    code: 'CONTRACT_RUN',
    said: NO_SUCH_RUN,
    offered: async () => {
      const { offer, shown } = await offeredBy(world)
      const { template: _, ...without } = offer
      return { offer: without, shown }
    },
  },
  {
    what: 'an argument that the template does not have',
    code: 'CONTRACT_RUN',
    said: NO_SUCH_RUN,
    offered: () => offeredBy(world, { arguments: [{ name: 'region', value: 'north' }] }),
  },
  {
    what: 'an input that is left out',
    code: 'CONTRACT_RUN',
    said: NO_SUCH_RUN,
    offered: () => offeredBy(world, { inputs: inputs().slice(1) }),
  },
  {
    what: 'inputs in another order',
    code: 'CONTRACT_RUN',
    said: NO_SUCH_RUN,
    offered: () => offeredBy(world, { inputs: inputs().toReversed() }),
  },
  {
    what: 'one input more',
    code: 'CONTRACT_RUN',
    said: NO_SUCH_RUN,
    offered: () =>
      offeredBy(world, {
        inputs: [...inputs(), { input: 'others', artifact: 'c0'.repeat(16), content: 'c1'.repeat(32) }],
      }),
  },
  {
    what: 'other content than the parties agreed on',
    code: 'CONTRACT_RUN',
    said: /accounts is not the content/,
    offered: () =>
      offeredBy(world, {
        inputs: [{ ...inputs()[0]!, content: ARTIFACTS.purchases.content }, inputs()[1]!],
      }),
  },
  {
    what: 'an offer that has expired',
    code: 'CONTRACT_EXPIRED',
    said: /not valid now/,
    offered: () => honest,
    change: () => ({ now: honest.offer.notAfter }),
  },
  {
    what: 'an offer for later',
    code: 'CONTRACT_EXPIRED',
    said: /not valid now/,
    offered: () => honest,
    change: () => ({ now: honest.offer.at - 61 }),
  },
]

function elsewhere(): NamedContract {
  return parseContract(encodeContract({ ...named.contract, genesis: 'ef'.repeat(32) }))
}

describe(claim(['T1', 'rooms.consent'], 'a run that a room offers'), () => {
  it('is judged before anybody consents: what it computes, in which room, with which keys', () => {
    const judged = judgeOffer(named, honest, context)
    expect(judged.run).toBe(runDigest(honest.offer))
    expect(judged.plan.transforms.map(({ name }) => name)).toEqual(['overlap'])
    expect(judged.plan.outputs.map(({ name }) => name)).toEqual(['offers', 'totals'])
    expect(judged.steps.every(({ status }) => status === 'pass')).toBe(true)
    expect(judged.room).toMatchObject({
      images: [ROOM.image],
      evidence: evidenceDigest(honest.shown.evidence),
      wrapKey: honest.offer.wrapKey,
      receiptKey: honest.offer.receiptKey,
    })
  })

  it.each(OFFERS)('refuses $what', async ({ code, said, found, offered, change, contract }) => {
    const one = await offered()
    const judged = () => judgeOffer(contract?.() ?? named, one, { ...context, ...change?.() })
    expect(judged).toThrow(refusal(code, said))
    if (found !== undefined)
      expect(judged).toThrow(expect.objectContaining({ found: expect.stringMatching(found) as string }))
  })
})

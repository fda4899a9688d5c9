import { toBase64Url } from '@sotto/protocol/bytes'
import { type Contracts, createContracts, type RoomParty, roomParty } from '@sotto/client/rooms'
import { type Contract, encodeContract, type NamedContract, parseContract } from '@sotto/protocol/contract'
import { beforeEach, describe, expect, it } from 'vitest'
import { contractOf, RoomWorld } from '../../packages/kms/test/contracts/room-world.ts'
import { seed } from '../../packages/kms/test/world.ts'
import { banks, PRIVACY, training } from '../../packages/protocol/test/contract/trainings.ts'

/** The same seeds as those of the owners whom members of that world admitted. */
const bank = roomParty(seed(60))
const shop = roomParty(seed(61))
const as = (name: 'bank' | 'shop'): { party: RoomParty } => ({ party: name === 'bank' ? bank : shop })

let world: RoomWorld
let named: NamedContract
let contracts: Contracts
/** Everything that the one between a party and the KMS sees. */
let passed: Uint8Array[]

function draft(change: Partial<Contract> = {}): NamedContract {
  const contract = contractOf(world.genesis, world.now, change)
  return parseContract(encodeContract({ ...contract, parties: [bank.as('bank'), shop.as('shop')] }))
}

beforeEach(async () => {
  world = await RoomWorld.open()
  named = draft()
  passed = []
  contracts = createContracts({
    now: () => world.now,
    service: async () => {
      const { importKey, genesis } = world.kms.view.boot.own.binding
      return { importKey, genesis }
    },
    async send(sealed) {
      const body = sealed as Uint8Array<ArrayBuffer>
      const response = await world.app(new Request('http://kms.test/v1/contracts', { method: 'POST', body }))
      const answer = new Uint8Array(await response.arrayBuffer())
      passed.push(sealed, answer)
      return answer
    },
  })
})

describe('a contract from the parties’ side', () => {
  it('is accepted by each with its own key, and closed by all; who passes it on learns nothing', async () => {
    expect(await contracts.accept(named, as('bank'))).toMatchObject({ phase: 'proposed', accepted: ['bank'] })
    expect(await contracts.accept(named, as('shop'))).toMatchObject({ phase: 'accepted' })
    expect((await contracts.show(named, as('shop'))).left).toHaveLength(2)
    await contracts.close(named, as('bank'))
    expect(await contracts.close(named, as('shop'))).toMatchObject({ phase: 'closed' })
    const seen = Buffer.concat(passed).toString('latin1')
    for (const word of ['bank', 'shop', 'accounts', 'overlap', named.digest]) expect(seen).not.toContain(word)
  })

  it('is ended by one that takes its consent back', async () => {
    await contracts.accept(named, as('bank'))
    await contracts.accept(named, as('shop'))
    const view = await contracts.withdraw(named, 'execution', as('shop'))
    expect(view).toMatchObject({ phase: 'closed', withdrawn: [{ party: 'shop', consent: 'execution' }] })
  })

  it('is signed by nobody else, and for no other KMS', async () => {
    const mallory = { party: roomParty(seed(66)) }
    await expect(contracts.accept(named, mallory)).rejects.toMatchObject({ code: 'ROOM_CONTRACT' })
    const foreign = draft({ genesis: '11'.repeat(32) })
    await expect(contracts.accept(foreign, as('bank'))).rejects.toMatchObject({ code: 'ROOM_CONTRACT' })
    expect(passed).toEqual([])
  })

  it('is not signed where a training costs more privacy than it says', async () => {
    const privacy = { ...PRIVACY, epsilonMicros: PRIVACY.epsilonMicros - 2 }
    const task = training((one) => {
      one.privacy = privacy
      delete one.predict
      one.data.tables = ['north']
      one.validation = { tables: ['south'] }
    })
    const { inputs, transforms, outputs } = banks(task, (one) => {
      one.inputs.splice(2)
      one.transforms[0]!.reads = ['north', 'south']
      one.outputs.splice(2)
    })
    const asShop = (name: string): string => (name === 'retailer' ? 'shop' : name)
    const claimed = draft({
      inputs: inputs.map((input) => ({
        ...input,
        owner: asShop(input.owner),
        rules: { ...input.rules, noisy: false, minContributors: 1, receivers: ['bank', 'shop'] },
      })),
      transforms,
      outputs: outputs.map((output) => ({ ...output, receivers: ['bank', 'shop'] })),
    })
    await expect(contracts.accept(claimed, as('bank'))).rejects.toMatchObject({ code: 'CONTRACT_PRIVACY' })
    expect(passed).toEqual([])
  })

  it('says what the KMS refuses, and believes nothing that was changed on the way', async () => {
    await expect(contracts.show(named, as('bank'))).rejects.toMatchObject({
      code: 'ROOM_REFUSED',
      found: 'KMS_CONTRACT_UNKNOWN',
    })
    await contracts.accept(named, as('bank'))
    const tampering = createContracts({
      now: () => world.now,
      service: async () => world.kms.view.boot.own.binding,
      async send() {
        const answer = passed.at(-1)!.slice()
        answer[answer.length - 1]! ^= 1
        return answer
      },
    })
    await expect(tampering.show(named, as('bank'))).rejects.toMatchObject({ code: 'OHTTP_OPEN_FAILED' })
  })

  it('a party is the same from the same seed, and its keys tell nothing about each other', () => {
    const again = roomParty(seed(60))
    expect(again.as('bank')).toEqual(bank.as('bank'))
    expect(bank.as('bank').sealTo).not.toBe(shop.as('shop').sealTo)
    expect(bank.key).toBe(toBase64Url(bank.signer.publicKey))
  })
})

import { toBase64Url } from '@sotto/protocol/bytes'
import type { Sotto } from '@sotto/client'
import { type RoomParty, roomParty } from '@sotto/client/rooms'
import { encodeContract, type NamedContract, parseContract } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contractOf } from '../../packages/kms/test/contracts/room-world.ts'
import { clientOf, startTestStack, type TestStack } from './support.ts'

const bank = roomParty(crypto.randomBytes(32))
const shop = roomParty(crypto.randomBytes(32))
let stack: TestStack
let sotto: Sotto
let named: NamedContract

beforeAll(async () => {
  stack = await startTestStack({ owner: bank.signer.publicKey, rooms: true, tap: true })
  sotto = await clientOf(stack)
  const now = Math.floor(Date.now() / 1000)
  const contract = contractOf(stack.policy.genesis, now, { salt: toBase64Url(crypto.randomBytes(32)) })
  named = parseContract(encodeContract({ ...contract, parties: [bank.as('bank'), shop.as('shop')] }))
}, 120_000)
afterAll(() => stack?.close())

const acting = (party: RoomParty): { party: RoomParty } => ({ party })

test('parties agree on a contract through the relay; relay, gateway and log learn nothing of it', async () => {
  await expect(sotto.rooms.accept(named, acting(shop))).rejects.toMatchObject({
    code: 'ROOM_REFUSED',
    found: 'KMS_OWNER_UNKNOWN',
  })
  expect(await sotto.rooms.accept(named, acting(bank))).toMatchObject({ phase: 'proposed' })
  expect(await sotto.rooms.accept(named, acting(shop))).toMatchObject({ phase: 'accepted' })
  expect(await sotto.rooms.withdraw(named, 'execution', acting(shop))).toMatchObject({ phase: 'closed' })
  expect((await sotto.rooms.show(named, acting(bank))).withdrawn).toEqual([
    { party: 'shop', consent: 'execution' },
  ])
  for (const party of ['relay', 'gateway', 'kms', 'log'] as const) {
    const received = Buffer.concat(stack.taps[party]!.captures.flatMap((one) => one.received)).toString(
      'latin1',
    )
    expect(received.length, `${party} received something`).toBeGreaterThan(0)
    for (const word of ['accounts', 'purchases', 'overlap', bank.key])
      expect(received.includes(word), `${party} received ${word}`).toBe(false)
  }
})

import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import type { Sotto } from '@sotto/client'
import { checkRunProof, newRoomSecret, type Room, type RoomParty, roomParty } from '@sotto/client/rooms'
import type { Contract } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contractOf } from '../../packages/kms/test/contracts/room-world.ts'
import { claim } from '../claims.ts'
import { canQuery, clientOf, startTestStack, type TestStack } from './support.ts'

const bank = roomParty(crypto.randomBytes(32))
const shop = roomParty(crypto.randomBytes(32))
/** Stands in every row of every input. */
const CANARY = 'quokka'
let stack: TestStack
let sotto: Sotto

beforeAll(async () => {
  stack = await startTestStack({ owner: bank.signer.publicKey, rooms: true, tap: true })
  sotto = await clientOf(stack)
}, 120_000)
afterAll(() => stack?.close())

/** Both tables are the bank's; the shop gets the figures. */
async function contract(): Promise<Contract> {
  const now = Math.floor(Date.now() / 1000)
  const { images } = await sotto.rooms.runs.room()
  const plain = contractOf(stack.policy.genesis, now, { salt: toBase64Url(crypto.randomBytes(32)) })
  return {
    ...plain,
    parties: [bank.as('bank'), shop.as('shop')],
    inputs: plain.inputs.map((input) => ({ ...input, owner: 'bank' })),
    transforms: plain.transforms.map((transform) => ({ ...transform, room: images })),
  }
}

const open = (party: RoomParty, name: string, secret = room): Promise<Room> =>
  sotto.rooms.open({ secret, party, name, pollMs: 100 })
const room = newRoomSecret()
const table = (rows: number): Blob =>
  new Blob([`customer,amount\n${Array.from({ length: rows }, (_, at) => `${CANARY}${at},7`).join('\n')}\n`])

test.skipIf(!canQuery())(
  claim(
    ['rooms.consent', 'rooms.sealed', 'rooms.proof'],
    'two parties compute through the relay, and nobody on the way sees what on',
  ),
  { timeout: 120_000 },
  async () => {
    const [atBank, atShop] = [await open(bank, 'bank'), await open(shop, 'shop')]
    await atBank.create()
    await atBank.join()
    await atShop.join()
    const named = await atBank.propose(await contract())
    await atBank.accept(named)
    await atShop.accept((await atShop.state()).proposals.get(named.digest)!)
    await atBank.add(named, { input: 'accounts', files: { 'a.csv': table(40) } })
    await atBank.add(named, { input: 'purchases', files: { 'p.csv': table(30) } })
    const { run } = await atShop.ask(named, { transform: 'overlap', template: 'count' })
    const seen = (await atBank.state()).runs.get(run)!
    await atBank.consent(named, seen)
    const view = await atShop.begin(named, (await atShop.state()).runs.get(run)!)
    expect(view.failure).toBeUndefined()
    expect(view.state).toBe('done')
    const done = (await atShop.state()).runs.get(run)!
    const [output] = await atShop.outputs(named, done)
    expect(fromUtf8(output!.content)).toContain('[40]')
    const proof = await atShop.proof(named, done)
    expect(checkRunProof(proof, stack.policy).run.receipt.sequence).toBe(1)
    const received = new Map(
      Object.entries(stack.taps).map(([party, tap]) => [
        party,
        Buffer.concat(tap!.captures.flatMap((one) => one.received)).toString('latin1'),
      ]),
    )
    // Nobody brought a model of its own, so the registry is not on the way.
    for (const party of ['relay', 'gateway', 'rooms', 'room', 'kms', 'log'])
      expect(received.get(party)?.length, `${party} received something`).toBeGreaterThan(0)
    for (const [party, bytes] of received)
      for (const word of [CANARY, 'accounts', 'customer', 'overlap'])
        expect(bytes.includes(word), `${party} received ${word}`).toBe(false)
  },
)

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sotto } from '@sotto/client'
import {
  newRoomSecret,
  openBoard,
  type Room,
  type RoomMessage,
  type RoomParty,
  roomParty,
  type RoomSecret,
} from '@sotto/client/rooms'
import { fromHex, toBase64Url } from '@sotto/protocol/bytes'
import type { Contract, NamedContract, SqlTemplate } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { measureImage } from '../../../packages/cli/src/software-tee/measure.ts'
import { contractOf } from '../../../packages/kms/test/contracts/room-world.ts'
import { clientOf, type TestStack } from '../../stack/support.ts'

/** Of the party in the page. */
export const PAGE_SEED = new Uint8Array(32).fill(8)
export const PAGE_PARTY: RoomParty = roomParty(PAGE_SEED)

/** One room of a running stack: the page is its shop, this process its bank. */
export interface RoomOfTwo {
  secret: RoomSecret
  sotto: Sotto
  bank: RoomParty
  atBank: Room
  /** A contract between the two, for the room of this stack. */
  contract(title: string, change?: (contract: Contract) => Partial<Contract>): Contract
  /** Posts what no honest member would. */
  post(message: RoomMessage): Promise<number>
  /** How many messages the board has. */
  messages(): Promise<number>
}

const COUNT: SqlTemplate = {
  name: 'count',
  sql: 'SELECT count(*) AS n, count(DISTINCT customer) AS customers\nFROM accounts\nWHERE amount >= $least',
  parameters: [{ name: 'least', type: 'integer', min: 0, max: 1000 }],
}

/** Opens the board as the page's party, whom the operator admits; the bank is the owner that the stack has itself. */
export async function openRoomOfTwo(stack: TestStack): Promise<RoomOfTwo> {
  const sotto = await clientOf(stack)
  const bank = roomParty(fromHex((await readFile(join(stack.folder, 'keys', 'owner'), 'utf8')).trim()))
  const { digest: image } = await measureImage(join(stack.folder, 'images', 'room'))
  const secret = newRoomSecret()
  const atBank = await sotto.rooms.open({ secret, party: bank, name: 'bank', pollMs: 50 })
  await (await sotto.rooms.open({ secret, party: PAGE_PARTY, name: 'shop' })).create()
  await atBank.join()
  const board = openBoard(secret, { fetch: sotto.fetch })
  return {
    secret,
    sotto,
    bank,
    atBank,
    contract(title, change = () => ({})) {
      const now = Math.floor(Date.now() / 1000)
      const plain = contractOf(stack.policy.genesis, now, {
        title,
        salt: toBase64Url(crypto.randomBytes(32)),
        parties: [bank.as('bank'), PAGE_PARTY.as('shop')],
      })
      const transforms = plain.transforms.map((transform) => ({
        ...transform,
        room: [image],
        task: { ...transform.task, templates: [COUNT] } as typeof transform.task,
      }))
      return { ...plain, transforms, ...change({ ...plain, transforms }) }
    },
    post: (message) => board.post(message),
    async messages() {
      let last = 0
      for await (const { index } of board.read()) last = index
      return last
    },
  }
}

/** A table of so many customers. */
export function tableOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, at) => `c${at},${at * 10}`)
  return `customer,amount\n${lines.join('\n')}\n`
}

/** The bank brings its table. */
export async function addAccounts(
  { atBank }: RoomOfTwo,
  named: NamedContract,
  table = tableOf(40),
): Promise<void> {
  await atBank.add(named, { input: 'accounts', files: { 'accounts.csv': new Blob([table]) } })
}

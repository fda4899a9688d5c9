import { beforeEach, describe, expect, it, vi } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { clientError } from '../../../src/errors.ts'
import { openRoom, type Room, type RoomConnection, type RoomRun } from '../../../src/rooms/index.ts'
import { bankAndRetailer, changedBy, named } from '../../../../protocol/test/contract/contracts.ts'
import { createFakeBoard, type FakeBoard } from '../board/fake-board.ts'
import { BANK, CONTRACT, GENESIS, MESSAGES, NOW, OFFERED, ROOM, RUN, view } from '../board/room.ts'

/** Whatever its owner adds is its content. */
const OPEN = named(changedBy(bankAndRetailer(), ({ inputs }) => delete inputs[0]!.content))
const TABLE = new Blob(['customer_id,iban,age,segment\n1,CH93,30,a\n'])
const IMPORT_KEY = toBase64Url(WRAP_SUITE.kem.generate().publicKey)

let keeper: FakeBoard
let room: Room
let answerOfKms: () => Response
const show = vi.fn()
const verify = vi.fn()
const begin = vi.fn()

beforeEach(async () => {
  keeper = createFakeBoard(GENESIS)
  answerOfKms = () => Response.json({})
  for (const mock of [show, verify, begin]) mock.mockReset()
  show.mockResolvedValue({ data: [] })
  room = openRoom({ secret: ROOM, party: BANK, name: 'bank' }, {
    fetch: async (input: string, init?: RequestInit) =>
      input.includes('/v1/rooms/keys/') ? answerOfKms() : keeper.fetch(input, init),
    service: async () => ({ genesis: GENESIS, importKey: IMPORT_KEY, keyPolicyDigest: 'ee'.repeat(32) }),
    policy: {},
    now: () => NOW,
    contracts: { show, state: async () => ({}) },
    runs: { verify, begin },
    bundle: () => utf8('bundle'),
  } as unknown as RoomConnection)
  await room.create()
  keeper.asked.length = 0
})

/** A run that two members tell about. */
function toldRun(): RoomRun {
  const { offered, by, at } = MESSAGES.offered
  const views = [view({ state: 'done', receipt: 'made up' }), view({ state: 'done', receipt: 'real' })]
  return {
    run: RUN,
    offered,
    by,
    at,
    index: 1,
    consents: new Map(),
    declined: [],
    approvals: [],
    views: views.map((one, index) => ({ index, at, view: one })),
  }
}

describe('a party of a room that adds data', () => {
  it.each([
    ['is there', 'orders', 'the contract has no such input'],
    ['is its own', 'purchases', 'purchases is another party'],
  ])('is refused before a file is read where no such input %s', async (_what, input, why) => {
    const file = new Blob(['customer_id,spent\n1,2\n'])
    const stream = vi.spyOn(file, 'stream')
    const slice = vi.spyOn(file, 'slice')
    await expect(room.add(CONTRACT, { input, files: { 'a.csv': file } })).rejects.toMatchObject({
      code: 'ROOM_CONTRACT',
      message: expect.stringContaining(why),
    })
    expect([stream.mock.calls, slice.mock.calls, show.mock.calls, keeper.asked]).toEqual([[], [], [], []])
  })

  it.each([
    [429, 'ROOM_UNAVAILABLE'],
    [503, 'ROOM_UNAVAILABLE'],
    [403, 'ROOM_REFUSED'],
  ])('hears whether a KMS that answers %i may take the key later', async (status, code) => {
    answerOfKms = () => new Response('no', { status })
    const adding = room.add(OPEN, { input: 'customers', files: { 'a.csv': TABLE } })
    await expect(adding).rejects.toMatchObject({ code, found: `status ${status}` })
  })
})

describe('a run that is told', () => {
  it('is shown to the others as it is, and nothing is begun', async () => {
    await room.propose(CONTRACT.contract)
    await room.tell(view({ state: 'failed', failure: { code: 'ROOM_ENDED', message: 'it ended' } }))
    expect(begin).not.toHaveBeenCalled()
    expect(keeper.messages).toHaveLength(2)
    // The board has no such run: what was told is there, and proves nothing.
    expect((await room.state()).unproven).toEqual([2])
  })

  it('gives outputs and proof of one verification', async () => {
    verify.mockImplementation(async (_named, _offered, { receipt }) => {
      if (receipt !== 'real') throw clientError('ROOM_OFFER', 'made up')
      return { outputs: [] }
    })
    const { outputs, proof } = await room.results(CONTRACT, toldRun())
    expect(outputs).toEqual([])
    expect(proof).toMatchObject({ offered: OFFERED, view: { receipt: 'real' }, at: NOW })
    expect(verify).toHaveBeenCalledTimes(2)
    expect(await room.proof(CONTRACT, toldRun())).toEqual(proof)
  })
})

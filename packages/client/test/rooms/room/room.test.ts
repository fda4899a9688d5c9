import { beforeEach, describe, expect, it, vi } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { RUN_TYPES, type RunReceipt } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { clientError } from '../../../src/errors.ts'
import {
  openBoard,
  openRoom,
  type Room,
  type RoomConnection,
  type RoomRun,
} from '../../../src/rooms/index.ts'
import { bankAndRetailer, changedBy, named } from '../../../../protocol/test/contract/contracts.ts'
import { createFakeBoard, type FakeBoard } from '../board/fake-board.ts'
import { BANK, CONTRACT, GENESIS, MESSAGES, NOW, OFFERED, ROOM, RUN, view } from '../board/room.ts'

/** Whatever its owner adds is its content. */
const OPEN = named(changedBy(bankAndRetailer(), ({ inputs }) => delete inputs[0]!.content))
const TABLE = new Blob(['customer_id,iban,age,segment\n1,CH93,30,a\n'])
const signerOf = (fill: number): DsseSigner => ({
  secretSeed: new Uint8Array(32).fill(fill),
  publicKey: crypto.ed25519.importPrivate(new Uint8Array(32).fill(fill)).publicKey,
})
const KMS = signerOf(50)
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
    service: async () => ({
      genesis: GENESIS,
      importKey: IMPORT_KEY,
      keyPolicyDigest: 'ee'.repeat(32),
      signingKey: KMS.publicKey,
    }),
    policy: {},
    now: () => NOW,
    contracts: { show, state: async () => ({}) },
    runs: { verify, begin },
    bundle: () => utf8('bundle'),
  } as unknown as RoomConnection)
  await room.create()
  keeper.asked.length = 0
})

/** That the KMS charged the run of the board, or what somebody else says of it. */
function receiptOf(signer: DsseSigner = KMS): string {
  const receipt: RunReceipt = {
    format: 'sotto-run-receipt/1',
    genesis: GENESIS,
    contract: CONTRACT.digest,
    run: RUN,
    tuple: 'room',
    image: 'cd'.repeat(32),
    evidence: OFFERED.offer.evidence,
    hardware: ['a machine'],
    charges: [],
    sequence: 1,
    issuedAt: NOW,
  }
  return fromUtf8(signDsse(RUN_TYPES.receipt, encodeDocument(receipt), [signer]))
}

/** A run that goes on with that of the board. */
function resumedRun(): RoomRun {
  const run = toldRun()
  return { ...run, offered: { ...run.offered, offer: { ...run.offered.offer, resumes: RUN } } }
}

/** The room, with a run whose members tell these receipts of it. */
async function tellReceipts(...receipts: string[]): Promise<void> {
  await room.propose(CONTRACT.contract)
  await openBoard(ROOM, { fetch: keeper.fetch }).post(MESSAGES.offered)
  for (const receipt of receipts) await room.tell(view({ receipt }))
}

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

describe('a run that goes on with another', () => {
  beforeEach(() => void verify.mockResolvedValue({ outputs: [] }))

  it('comes with what the KMS signed that one was charged, whoever else tells what', async () => {
    const real = receiptOf()
    await tellReceipts('made up', receiptOf(signerOf(51)), real)
    const { charged } = await room.results(CONTRACT, resumedRun())
    expect(charged).toEqual({ offer: OFFERED.offer, receipt: real })
  })

  it.each([
    ['nobody tells it', []],
    ['only somebody else signed it', [receiptOf(signerOf(51))]],
  ])('comes without it where %s', async (_, receipts) => {
    await tellReceipts(...receipts)
    expect(await room.results(CONTRACT, resumedRun())).not.toHaveProperty('charged')
  })

  it('is the only one that has it', async () => {
    await tellReceipts(receiptOf())
    expect(await room.results(CONTRACT, toldRun())).not.toHaveProperty('charged')
  })
})

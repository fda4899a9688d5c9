import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { concat, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { openArtifact, sealArtifact } from '@sotto/protocol/sealed'
import { MAX_BOARD_PART_BYTES } from '@sotto/protocol/room'
import { type Board, openBoard } from '../../../src/rooms/board/board.ts'
import type { SealedFile } from '../../../src/rooms/board/files.ts'
import { type Asked, createFakeBoard, type FakeBoard, refuse } from './fake-board.ts'
import { BANK, GENESIS, NOW, ROOM } from './room.ts'

const code = (name: string, found?: string): Error =>
  expect.objectContaining({ code: name, ...(found !== undefined && { found }) }) as Error
const digestOf = (bytes: Uint8Array): string => toHex(crypto.sha256(bytes))
const CONTENT = Uint8Array.from({ length: 10_000 }, (_, at) => at * 7 + (at >> 8))
const PART = { partBytes: 1000 }

function fileOf(content: Uint8Array, chunk = 333): SealedFile {
  return {
    digest: digestOf(content),
    bytes: content.length,
    async *read(from) {
      for (let at = from; at < content.length; at += chunk) yield content.subarray(at, at + chunk)
    },
  }
}
const FILE = fileOf(CONTENT)

let keeper: FakeBoard
let board: Board

beforeEach(async () => {
  keeper = createFakeBoard(GENESIS)
  board = openBoard(ROOM, { fetch: keeper.fetch, pauseMs: 0 })
  await board.create(BANK, { genesis: GENESIS, now: NOW })
  keeper.asked.length = 0
})

/** Loses some requests, one after the other. */
function lose(
  ...faults: ('request' | 'answer' | undefined)[]
): (asked: Asked) => 'request' | 'answer' | undefined {
  return () => faults.shift()
}
const kept = (): Uint8Array => keeper.files.get(FILE.digest)!.data
const download = async (options: object = PART): Promise<Uint8Array> =>
  concat(...(await Array.fromAsync(board.download(FILE.digest, FILE.bytes, options))))

describe('an upload', () => {
  it('brings every byte, in parts, and tells of each', async () => {
    const told: number[] = []
    await board.upload(FILE, { ...PART, partBytes: 4000, onBytes: (bytes) => told.push(bytes) })
    expect(kept()).toEqual(CONTENT)
    expect(told).toEqual([4000, 4000, 2000])
    expect(keeper.asked.map((one) => one.split(' ')[0])).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH'])
  })

  it('of what is there sends nothing', async () => {
    await board.upload(FILE)
    keeper.asked.length = 0
    const told: number[] = []
    await board.upload(FILE, { onBytes: (bytes) => told.push(bytes) })
    expect(keeper.asked).toEqual([`POST /${ROOM.board}/files`])
    expect(told).toEqual([10_000])
  })

  it('goes on where an earlier one ended', async () => {
    const ending = new AbortController()
    const cut = board.upload(FILE, {
      ...PART,
      signal: ending.signal,
      onBytes: () => kept().length >= 3000 && ending.abort(new Error('enough')),
    })
    await expect(cut).rejects.toThrow('enough')
    expect(kept()).toHaveLength(3000)
    keeper.asked.length = 0
    await board.upload(FILE, PART)
    expect(kept()).toEqual(CONTENT)
    expect(keeper.asked.filter((one) => one.startsWith('PATCH'))).toHaveLength(7)
  })

  it('is whole after any cuts, and tells each byte once', async () => {
    const faults = fc.array(fc.constantFrom('request' as const, 'answer' as const, undefined, undefined), {
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(faults, fc.integer({ min: 700, max: 6000 }), async (planned, partBytes) => {
        keeper.files.clear()
        // The first answer is needed, and more than five failures without a new byte end it.
        let left = 5
        const lost = planned.map((fault) => (fault !== undefined && left-- > 0 ? fault : undefined))
        keeper.loses = lose(undefined, ...lost)
        let told = 0
        await board.upload(FILE, { partBytes, onBytes: (bytes) => (told += bytes) })
        expect(kept()).toEqual(CONTENT)
        expect(told).toBe(CONTENT.length)
      }),
    )
  })

  it('goes on from where another upload of the same file is, without waiting', async () => {
    const slow = openBoard(ROOM, { fetch: keeper.fetch, pauseMs: 60_000 })
    let isAhead = false
    keeper.loses = ({ method }) => {
      if (method === 'PATCH' && !isAhead) {
        isAhead = true
        keeper.files.get(FILE.digest)!.data = CONTENT.slice(0, 6500)
      }
      return undefined
    }
    await slow.upload(FILE, PART)
    expect(kept()).toEqual(CONTENT)
  })

  it('begins again where the board has let go of the file', async () => {
    let parts = 0
    keeper.loses = ({ method }) => {
      if (method === 'PATCH' && ++parts === 4) keeper.files.clear()
      return undefined
    }
    await board.upload(FILE, PART)
    expect(kept()).toEqual(CONTENT)
    expect(keeper.asked.filter((one) => one.startsWith('POST'))).toHaveLength(2)
  })

  it('is not repeated where the board refuses', async () => {
    keeper.lies = ({ method }) => (method === 'PATCH' ? refuse(413, 'BOARD_QUOTA') : undefined)
    await expect(board.upload(FILE)).rejects.toThrow(code('ROOM_REFUSED', 'BOARD_QUOTA'))
    expect(keeper.asked).toHaveLength(2)
  })

  it('is given up where nothing arrives any more', async () => {
    keeper.loses = ({ method }) => (method === 'PATCH' ? 'request' : undefined)
    await expect(board.upload(FILE)).rejects.toThrow(code('RELAY_UNREACHABLE'))
    expect(keeper.asked.filter((one) => one.startsWith('PATCH'))).toHaveLength(6)
  })

  it('is given up where the board answers for ever and keeps nothing', async () => {
    const state = { digest: FILE.digest, bytes: FILE.bytes, offset: 0, complete: false }
    keeper.lies = () => Response.json(state)
    await expect(board.upload(FILE, PART)).rejects.toThrow(code('ROOM_UNAVAILABLE'))
    expect(keeper.asked.length).toBeLessThan(10)
  })

  it('is given up where the board lets go again and again of what it had', async () => {
    let at = 0
    keeper.lies = ({ method }) => {
      at = method === 'POST' || at === 9000 ? 0 : at + 1000
      return Response.json({ digest: FILE.digest, bytes: FILE.bytes, offset: at, complete: false })
    }
    await expect(board.upload(FILE, PART)).rejects.toThrow(code('ROOM_UNAVAILABLE'))
    expect(keeper.asked.length).toBeLessThan(80)
  })

  it.each<[string, object]>([
    ['another file', { digest: 'ab'.repeat(32) }],
    ['another length', { bytes: FILE.bytes + 1 }],
    ['more than there is', { offset: FILE.bytes + 1 }],
    ['a whole file that is not', { complete: true }],
    ['an offset that is no number', { offset: '0' }],
    ['more than a state', { more: 1 }],
  ])('malformed: an answer about %s is refused', async (_what, change) => {
    const state = { digest: FILE.digest, bytes: FILE.bytes, offset: 0, complete: false }
    keeper.lies = () => Response.json({ ...state, ...change })
    await expect(board.upload(FILE)).rejects.toThrow(code('ROOM_BOARD'))
    expect(keeper.asked).toHaveLength(1)
  })
})

describe('a download', () => {
  beforeEach(async () => {
    await board.upload(FILE)
    keeper.asked.length = 0
  })

  it('gives the file, in ranges', async () => {
    const told: number[] = []
    expect(await download({ partBytes: 4000, onBytes: (bytes: number) => told.push(bytes) })).toEqual(CONTENT)
    expect(told).toEqual([4000, 4000, 2000])
    expect(keeper.asked).toHaveLength(3)
    expect(await download({})).toEqual(CONTENT)
  })

  it('is whole after any cuts', async () => {
    const faults = fc.array(fc.constantFrom('request' as const, 'answer' as const), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(faults, fc.integer({ min: 900, max: 11_000 }), async (lost, partBytes) => {
        keeper.loses = lose(...lost)
        expect(await download({ partBytes })).toEqual(CONTENT)
      }),
    )
  })

  it('of another file never ends: its last part is held back', async () => {
    const place = fc.nat({ max: CONTENT.length - 1 })
    await fc.assert(
      fc.asyncProperty(place, async (at) => {
        const changed = CONTENT.slice()
        changed[at]! ^= 1
        keeper.files.get(FILE.digest)!.data = changed
        let bytes = 0
        const all = async (): Promise<void> => {
          for await (const part of board.download(FILE.digest, FILE.bytes, PART)) bytes += part.length
        }
        await expect(all()).rejects.toThrow(code('ROOM_BOARD'))
        expect(bytes).toBe(9000)
      }),
    )
  })

  it.each<[string, () => Response]>([
    ['too few bytes', () => new Response(CONTENT.slice(0, 999), { status: 206 })],
    ['too many bytes', () => new Response(CONTENT.slice(0, 1001), { status: 206 })],
    ['no bytes', () => new Response(null, { status: 206 })],
    ['the whole file', () => new Response(CONTENT, { status: 200 })],
    ['the right bytes as a whole file', () => new Response(CONTENT.slice(0, 1000), { status: 200 })],
  ])('malformed: %s instead of a range are refused', async (_what, answer) => {
    keeper.lies = answer
    await expect(download()).rejects.toThrow(code('ROOM_BOARD'))
    expect(keeper.asked).toHaveLength(1)
  })

  it('of a file that is not there is refused', async () => {
    const missing = Array.fromAsync(board.download('ab'.repeat(32), 1000))
    await expect(missing).rejects.toThrow(code('ROOM_REFUSED', 'BOARD_FILE_UNKNOWN'))
  })
})

describe('a reader of places', () => {
  it('opens a sealed file, chunk by chunk', async () => {
    const contentKey = new Uint8Array(32).fill(3)
    const { sealed } = sealArtifact({
      contentKey,
      plaintextBytes: CONTENT.length,
      metadata: '{}',
      chunkBytes: 65_536,
      source: [CONTENT],
    })
    const file = fileOf(concat(...(await Array.fromAsync(sealed))))
    await board.upload(file)
    keeper.loses = lose('request', undefined, 'answer')
    const opened = await openArtifact(board.reader(file.digest, file.bytes), contentKey)
    expect(concat(...(await Array.fromAsync(opened.content)))).toEqual(CONTENT)
  })

  it('gives exactly the bytes that are asked for', async () => {
    await board.upload(FILE)
    const reader = board.reader(FILE.digest, FILE.bytes)
    const places = fc.tuple(fc.nat({ max: CONTENT.length }), fc.nat({ max: CONTENT.length }))
    await fc.assert(
      fc.asyncProperty(places, async ([start, length]) => {
        fc.pre(start + length <= CONTENT.length)
        expect(await reader(start, length)).toEqual(CONTENT.slice(start, start + length))
      }),
    )
  })

  it('asks for no more at once than a board gives', async () => {
    const content = new Uint8Array(MAX_BOARD_PART_BYTES + 5)
    content[MAX_BOARD_PART_BYTES] = 9
    const digest = 'cd'.repeat(32)
    keeper.files.set(digest, { bytes: content.length, data: content })
    const found = await board.reader(digest, content.length)(0, content.length)
    expect(found.length).toBe(content.length)
    expect(found[MAX_BOARD_PART_BYTES]).toBe(9)
    expect(keeper.asked).toHaveLength(2)
  })

  it('reads nothing past the end, or before the beginning', async () => {
    const reader = board.reader(FILE.digest, FILE.bytes)
    for (const [start, length] of [
      [FILE.bytes, 1],
      [0, FILE.bytes + 1],
      [-1, 1],
      [0, -1],
    ] as const)
      await expect(reader(start, length)).rejects.toThrow(code('ROOM_BOARD'))
    expect(keeper.asked).toEqual([])
  })
})

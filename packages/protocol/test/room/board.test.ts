import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import {
  BOARD_TYPE,
  type BoardFile,
  boardFileDecoder,
  type BoardOpening,
  type BoardPage,
  boardPageDecoder,
  MAX_BOARD_MESSAGE_BYTES,
  MAX_BOARD_PAGE,
  signBoardOpening,
  verifyBoardOpening,
} from '@sotto/protocol/room'
import { BANK, GENESIS, NOW, RETAILER } from '../contract/contracts.ts'
import { malformed, many, put, refusal } from './refusals.ts'

const OPENING: BoardOpening = {
  format: 'sotto-room-board/1',
  genesis: GENESIS,
  owner: toBase64Url(BANK.publicKey),
  board: '12'.repeat(32),
  token: '34'.repeat(32),
  createdAt: NOW,
}
const ENVELOPE = signBoardOpening(OPENING, BANK)
const open = (envelope: Uint8Array | string): BoardOpening => verifyBoardOpening(envelope, GENESIS)
const signed = (payload: Uint8Array, by: DsseSigner[] = [BANK], type: string = BOARD_TYPE): string =>
  fromUtf8(signDsse(type, payload, by))

describe('the opening of a board', () => {
  it('is read as its owner signed it, from text and from bytes', () => {
    expect(open(ENVELOPE)).toEqual(OPENING)
    expect(open(utf8(ENVELOPE))).toEqual(OPENING)
  })

  it('any opening is read as it was signed', () => {
    const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((all) => Buffer.from(all).toString('hex'))
    const createdAt = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(fc.record({ board: hex, token: hex, genesis: hex, createdAt }), (change) => {
        const opening = { ...OPENING, ...change }
        expect(verifyBoardOpening(signBoardOpening(opening, BANK), change.genesis)).toEqual(opening)
      }),
      { numRuns: 30 },
    )
  })

  it('is of the key that it names', () => {
    expect(() => open(signBoardOpening(OPENING, RETAILER))).toThrow(refusal('ROOM_SIGNATURE'))
    const owner = toBase64Url(RETAILER.publicKey)
    expect(() => open(signBoardOpening({ ...OPENING, owner }, BANK))).toThrow(refusal('ROOM_SIGNATURE'))
  })

  it('is signed by nobody else besides', () => {
    expect(() => open(signed(encodeDocument(OPENING), [BANK, RETAILER]))).toThrow(refusal('ROOM_SIGNATURE'))
  })

  it('is signed as an opening and as nothing else', () => {
    const other = signed(encodeDocument(OPENING), [BANK], 'application/vnd.in-toto+json')
    expect(() => open(other)).toThrow(refusal('ROOM_SIGNATURE'))
  })

  it('is meant for one deployment', () => {
    expect(() => verifyBoardOpening(ENVELOPE, 'ef'.repeat(32))).toThrow(refusal('ROOM_OTHER'))
  })

  it('names a key that is none: refused as a signature, not as a crash', () => {
    for (const fill of [0, 255]) {
      const owner = toBase64Url(new Uint8Array(32).fill(fill))
      expect(() => open(signBoardOpening({ ...OPENING, owner }, BANK))).toThrow(refusal('ROOM_SIGNATURE'))
    }
  })

  it('has all of its members, of their types, and no other', () => {
    for (const [what, value] of malformed(OPENING))
      expect(() => open(signed(encodeDocument(value))), what).toThrow(refusal('ROOM_DOCUMENT'))
  })

  it('is read in its one spelling alone', () => {
    const text = fromUtf8(encodeDocument(OPENING))
    for (const other of [JSON.stringify(OPENING, null, 1), text.replace('{', '{"createdAt":1,'), `${text} `])
      expect(() => open(signed(utf8(other))), other).toThrow(refusal('ROOM_DOCUMENT'))
  })

  it('is not read in part', () => {
    for (let end = 0; end < ENVELOPE.length; end++)
      expect(() => open(ENVELOPE.slice(0, end)), `${end}`).toThrow(refusal('ROOM_DOCUMENT'))
  })

  it('is refused after any change of a bit', () => {
    const bytes = utf8(ENVELOPE)
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const other = bytes.slice()
        other[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => open(other)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^ROOM_(?:DOCUMENT|SIGNATURE|OTHER)$/) as string,
          }),
        )
      }),
      { numRuns: 300 },
    )
  })
})

const PAGE: BoardPage = {
  messages: [
    { index: 7, message: toBase64Url(utf8('sealed')) },
    { index: 8, message: toBase64Url(utf8('and another')) },
  ],
  more: true,
}

describe('a page of messages', () => {
  const refuse = (value: unknown, what: string): void =>
    expect(() => boardPageDecoder(value, 'page'), what).toThrow(refusal('JCS_FIELD'))

  it('is read as it was written; it may be empty', () => {
    expect(boardPageDecoder(PAGE, 'page')).toEqual(PAGE)
    const empty = { messages: [], more: false }
    expect(boardPageDecoder(empty, 'page')).toEqual(empty)
  })

  it('has all of its members, of their types, and no other', () => {
    for (const [what, value] of malformed(PAGE, { mayBeEmpty: ['messages'] }))
      // Any short text of the alphabet is a message.
      if (!what.endsWith('as "xxxxxxxxxxx')) refuse(value, what)
    for (const value of [null, undefined, [], 'page', 0]) refuse(value, String(value))
  })

  it('has messages of at most 8 MiB, counted from 1, and at most 64 of them', () => {
    const long = 'A'.repeat(Math.ceil((MAX_BOARD_MESSAGE_BYTES * 4) / 3))
    expect(boardPageDecoder(put(PAGE, 'messages.0.message', long), 'page').messages).toHaveLength(2)
    refuse(put(PAGE, 'messages.0.message', `${long}A`), 'a message that is too long')
    refuse(put(PAGE, 'messages.0.message', 'AA=='), 'padded')
    refuse(put(PAGE, 'messages.0.index', 0), 'index 0')
    refuse(put(PAGE, 'messages.0.index', 1.5), 'index 1.5')
    const [one] = PAGE.messages
    const full = { messages: many(MAX_BOARD_PAGE, (index) => ({ ...one!, index: index + 1 })), more: true }
    expect(boardPageDecoder(full, 'page')).toEqual(full)
    full.messages.push(one!)
    refuse(full, 'one too many')
  })
})

const FILE: BoardFile = { digest: 'ab'.repeat(32), bytes: 100, offset: 40, complete: false }

describe('how far a file has come', () => {
  const refuse = (value: unknown, what: string): void =>
    expect(() => boardFileDecoder(value, 'file'), what).toThrow(refusal('JCS_FIELD'))

  it('is read as it was written', () => {
    for (const good of [FILE, { ...FILE, offset: 0 }, { ...FILE, offset: 100, complete: true }])
      expect(boardFileDecoder(good, 'file')).toEqual(good)
  })

  it('has all of its members, of their types, and no other', () => {
    for (const [what, value] of malformed(FILE)) refuse(value, what)
    for (const value of [null, undefined, [], 'file']) refuse(value, String(value))
  })

  it('is of a file with bytes, and of no more bytes than it has', () => {
    refuse({ ...FILE, bytes: 0, offset: 0 }, 'an empty file')
    refuse({ ...FILE, offset: 101 }, 'more than there is')
    refuse({ ...FILE, complete: true }, 'complete, and something is missing')
  })
})

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_BOARD_MESSAGE_BYTES } from '@sotto/protocol/room'
import { openMessage, readEntry, sealMessage } from '../../../src/rooms/board/message.ts'
import type { RoomMessage } from '../../../src/rooms/board/messages.ts'
import { BANK, MESSAGES, NOW, OTHER_ROOM, ROOM, RUN, sealAnything, sealPadded, view } from './room.ts'
import { joinedMessage } from '../../../src/rooms/board/messages.ts'

const unopened = expect.objectContaining({ code: 'ROOM_BOARD', action: 'stop' }) as Error
const declined = (reason: string): RoomMessage => ({ ...MESSAGES.declined, reason })

describe('a sealed message', () => {
  it.each(Object.entries(MESSAGES))('of kind %s opens as it was sealed', (_kind, message) => {
    expect(openMessage(ROOM, sealMessage(ROOM, message))).toEqual(message)
  })

  it('has the same length as others of its kind, whatever they say', () => {
    const lengths = ['a', 'b'.repeat(256)].map((reason) => sealMessage(ROOM, declined(reason)).length)
    expect(lengths).toEqual([1024 + 28, 1024 + 28])
    fc.assert(
      fc.property(fc.nat({ max: 3000 }), (length) => {
        const message = { ...MESSAGES.view, view: view({ receipt: 'x'.repeat(length + 1) }) }
        const sealed = sealMessage(ROOM, message)
        expect((sealed.length - 28) % 1024).toBe(0)
        expect(openMessage(ROOM, sealed)).toEqual(message)
      }),
    )
  })

  it('is never the same bytes twice', () => {
    expect(sealMessage(ROOM, MESSAGES.declined)).not.toEqual(sealMessage(ROOM, MESSAGES.declined))
  })

  it('does not open after any change of a byte', () => {
    const sealed = sealMessage(ROOM, MESSAGES.declined)
    const place = fc.record({ at: fc.nat({ max: sealed.length - 1 }), by: fc.integer({ min: 1, max: 255 }) })
    fc.assert(
      fc.property(place, ({ at, by }) => {
        const changed = sealed.slice()
        changed[at]! ^= by
        expect(() => openMessage(ROOM, changed)).toThrow(unopened)
      }),
    )
  })

  it('does not open cut short or made longer', () => {
    const sealed = sealMessage(ROOM, MESSAGES.proposed)
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), (length) => {
        expect(() => openMessage(ROOM, sealed.subarray(0, length))).toThrow(unopened)
      }),
    )
    expect(() => openMessage(ROOM, Uint8Array.of(...sealed, ...new Uint8Array(1024)))).toThrow(unopened)
    expect(() => openMessage(ROOM, new Uint8Array(MAX_BOARD_MESSAGE_BYTES + 1024))).toThrow(unopened)
  })

  it('does not open with the key of another room, nor at another board under this key', () => {
    const sealed = sealMessage(ROOM, MESSAGES.declined)
    expect(() => openMessage(OTHER_ROOM, sealed)).toThrow(unopened)
    expect(() => openMessage({ ...ROOM, board: OTHER_ROOM.board }, sealed)).toThrow(unopened)
  })

  it('from random bytes is none', () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 3 * 1024 })
    fc.assert(
      fc.property(bytes, (sealed) => {
        expect(() => openMessage(ROOM, sealed)).toThrow(unopened)
      }),
    )
    expect(() => openMessage(ROOM, new Uint8Array(1024 + 28))).toThrow(unopened)
  })
})

describe('what a member with another program seals', () => {
  const text = new TextEncoder().encode(
    JSON.stringify({ at: NOW, kind: 'declined', party: 'bank', run: RUN }),
  )
  function padded(length: number, bytes: number, end = 0): Uint8Array {
    const out = new Uint8Array(bytes)
    new DataView(out.buffer).setUint32(0, length)
    out.set(text, 4)
    out[bytes - 1] = end
    return out
  }

  it('opens where it is padded as it must be', () => {
    expect(openMessage(ROOM, sealPadded(ROOM, padded(text.length, 1024)))).toMatchObject({ party: 'bank' })
  })

  it.each([
    ['a length past the end', padded(2000, 1024)],
    ['the greatest length', padded(2 ** 32 - 1, 1024)],
    ['a length of nothing', padded(0, 1024)],
    ['a length too short', padded(text.length - 1, 1024)],
    ['more padding than is needed', padded(text.length, 2048)],
    ['something behind the message', padded(text.length, 1024, 1)],
  ])('malformed: with %s it is refused', (_what, bytes) => {
    expect(() => openMessage(ROOM, sealPadded(ROOM, bytes))).toThrow(unopened)
  })

  it('is refused where it is no message', () => {
    const values = fc.oneof(
      fc.constantFrom(null, [], {}, 1, 'joined', { kind: 'joined' }, { kind: '__proto__' }),
      fc.dictionary(fc.string(), fc.integer()),
    )
    fc.assert(
      fc.property(values, (value) => {
        expect(() => openMessage(ROOM, sealAnything(ROOM, value))).toThrow(unopened)
      }),
    )
  })

  it('is refused where somebody is said to take part who did not sign for this board', () => {
    const elsewhere = joinedMessage(BANK, 'bank', { board: OTHER_ROOM.board, at: NOW })
    expect(() => openMessage(ROOM, sealAnything(ROOM, elsewhere))).toThrow(unopened)
  })
})

it('a message that cannot be read is told with its index', () => {
  expect(readEntry(ROOM, 3, sealMessage(ROOM, MESSAGES.joined))).toEqual({
    index: 3,
    message: MESSAGES.joined,
  })
  expect(readEntry(ROOM, 4, new Uint8Array(1052))).toEqual({
    index: 4,
    unreadable: 'nobody of this room sealed this message for its board',
  })
  expect(readEntry(ROOM, 5, sealAnything(ROOM, {}))).toMatchObject({
    unreadable: 'a member of this room sealed something that is no message',
  })
})

it('a message that nobody could read is not sealed', () => {
  expect(() => sealMessage(ROOM, declined('two\nlines'))).toThrow(
    expect.objectContaining({ code: 'JCS_FIELD' }) as Error,
  )
  const elsewhere = joinedMessage(BANK, 'bank', { board: OTHER_ROOM.board, at: NOW })
  expect(() => sealMessage(ROOM, elsewhere)).toThrow(unopened)
  const outputs = Array.from({ length: 64 }, () => 'x'.repeat(65_535))
  const long = { ...MESSAGES.view, view: view({ outputs, review: outputs }) }
  expect(() => sealMessage(ROOM, long)).toThrow(
    expect.objectContaining({ code: 'REQUEST_TOO_LARGE' }) as Error,
  )
})

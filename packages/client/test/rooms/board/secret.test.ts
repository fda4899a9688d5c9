import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64Url, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  encodeInvitation,
  newRoomSecret,
  parseInvitation,
  roomSecret,
} from '../../../src/rooms/board/secret.ts'

const SECRET = Uint8Array.from({ length: 32 }, (_, at) => at)
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })

/** An invitation of any version and checksum. */
function invitation(version: number, secret: Uint8Array, checksum?: Uint8Array): string {
  const body = Uint8Array.of(version, ...secret)
  return `sotto-room:${toBase64Url(Uint8Array.of(...body, ...(checksum ?? crypto.sha256(body).subarray(0, 4))))}`
}

describe('the secret of a room', () => {
  it('pin: gives the same board and token for ever', () => {
    const { board, token } = roomSecret(SECRET)
    expect({ board, token }).toEqual({
      board: '07c1da4d13661b5f0924880e849345a9aa599e0f974fc993a329348d1d13d71a',
      token: '3CG1dp00MGu7A-BJACA7S8A6r5SjybPIbMoAUvX4lI4',
    })
  })

  it('gives every purpose a value of its own, and every room others', () => {
    fc.assert(
      fc.property(seeds, seeds, (one, other) => {
        const [a, b] = [roomSecret(one), roomSecret(other)]
        expect(toHex(fromBase64Url(a.token))).not.toBe(a.board)
        expect(a.board).not.toBe(toHex(one))
        const isSame = toHex(one) === toHex(other)
        expect(a.board === b.board).toBe(isSame)
        expect(a.token === b.token).toBe(isSame)
      }),
    )
  })

  it('is 32 bytes of the generator, kept apart from where they came from', () => {
    const random = SECRET.slice()
    const room = newRoomSecret((length) => (length === 32 ? random : new Uint8Array()))
    random.fill(0)
    expect(room.secret).toEqual(SECRET)
    expect(room.board).toBe(roomSecret(SECRET).board)
    expect(newRoomSecret().board).not.toBe(newRoomSecret().board)
    expect(() => roomSecret(new Uint8Array(31))).toThrow(TypeError)
  })
})

describe('an invitation', () => {
  it('pin: is a word, a colon and 50 characters', () => {
    expect(encodeInvitation(roomSecret(SECRET))).toBe(
      'sotto-room:AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fSRF2sA',
    )
  })

  it('opens the room that it was made of', () => {
    fc.assert(
      fc.property(seeds, (secret) => {
        const room = roomSecret(secret)
        const text = encodeInvitation(room)
        expect(text).toMatch(/^sotto-room:[A-Za-z0-9_-]{50}$/)
        const { board, token, secret: parsed } = parseInvitation(text)
        expect({ board, token, secret: parsed }).toEqual({ board: room.board, token: room.token, secret })
      }),
    )
  })

  it('is refused after any change of a character', () => {
    const text = encodeInvitation(roomSecret(SECRET))
    const place = fc.record({
      at: fc.nat({ max: text.length - 1 }),
      to: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    })
    fc.assert(
      fc.property(place, ({ at, to }) => {
        fc.pre(text[at] !== to)
        expect(() => parseInvitation(text.slice(0, at) + to + text.slice(at + 1))).toThrow(
          expect.objectContaining({ code: 'ROOM_INVITATION', action: 'fix-input' }) as Error,
        )
      }),
    )
  })

  const good = invitation(1, SECRET)
  it.each([
    ['nothing', '', 'something that does not begin so'],
    ['another word', good.replace('sotto-room', 'sotto-desk'), 'something that does not begin so'],
    ['capitals', good.replace('sotto', 'SOTTO'), 'something that does not begin so'],
    ['a space before it', ` ${good}`, 'something that does not begin so'],
    ['a line break after it', `${good}\n`, '51 characters after that'],
    ['no secret', 'sotto-room:', '0 characters after that'],
    ['a letter too few', good.slice(0, -1), '49 characters after that'],
    ['padding', `${good}==`, '52 characters after that'],
    ['a letter of base64', good.slice(0, 20) + '+' + good.slice(21), 'characters that do not belong there'],
    ['stray bits at the end', good.slice(0, -1) + '_', 'characters that do not belong there'],
    ['another version', invitation(2, SECRET), 'version 2'],
    ['version 0', invitation(0, SECRET), 'version 0'],
    ['the checksum of another', invitation(1, SECRET, new Uint8Array(4)), 'a checksum of something else'],
  ])('malformed: with %s it is refused, and the error shows nothing of it', (_what, text, found) => {
    const caught = catching(() => parseInvitation(text))
    expect(caught).toMatchObject({ code: 'ROOM_INVITATION', found })
    const shown = [caught.message, caught.found, caught.hint, caught.stack, String(caught.cause)].join(' ')
    for (let at = 11; at + 8 <= text.length; at++) expect(shown).not.toContain(text.slice(at, at + 8))
  })
})

function catching(attempt: () => unknown): Error & { found?: string; hint?: string } {
  try {
    attempt()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

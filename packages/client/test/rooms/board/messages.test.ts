import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { MEMBER_TYPE, verifyMembership } from '../../../src/rooms/board/membership.ts'
import { joinedMessage, type RoomMessage, roomMessageDecoder } from '../../../src/rooms/board/messages.ts'
import { BANK, MESSAGES, NOW, OTHER_ROOM, RETAILER, ROOM, STRANGER, view } from './room.ts'

const decode = (value: unknown): RoomMessage => roomMessageDecoder(ROOM.board)(value, 'message')
const KINDS = Object.keys(MESSAGES) as RoomMessage['kind'][]
const refused = (value: unknown, code = 'JCS_FIELD', what = ''): void =>
  expect(() => decode(value), what).toThrow(expect.objectContaining({ code }) as Error)

describe.each(KINDS)('a message of kind %s', (kind) => {
  const good: RoomMessage = MESSAGES[kind]

  it('is read as it was written', () => {
    expect(decode(parseStrictJson(JSON.stringify(good), { maxBytes: 1_000_000 }))).toEqual(good)
  })

  it('malformed: has all of its members, of their types, and no other', () => {
    refused({ ...good, more: 1 })
    for (const member of Object.keys(good)) {
      const { [member]: _left, ...rest } = good as unknown as Record<string, unknown>
      if (!['note', 'reason'].includes(member)) refused(rest, 'JCS_FIELD', member)
      for (const other of [null, {}, [], -1, 1.5, '\u0000'])
        if (member !== 'envelope' || typeof other !== 'string')
          refused({ ...good, [member]: other }, 'JCS_FIELD', `${member} ${JSON.stringify(other)}`)
    }
  })

  it('is none of another kind, but for two that their envelopes tell apart', () => {
    const alike = ['consented', 'approved']
    for (const other of KINDS.filter((one) => one !== kind))
      if (!alike.includes(kind) || !alike.includes(other)) refused({ ...good, kind: other })
  })

  it('with anything changed is read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 2 }), (change) => {
        try {
          decode({ ...good, ...change })
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(?:JCS_FIELD|ROOM_BOARD)$/) as string })
        }
      }),
    )
  })
})

describe('malformed: a message with', () => {
  it.each<[string, unknown]>([
    ['no kind', { at: NOW }],
    ['an unknown kind', { kind: 'left', at: NOW }],
    ['the kind of a prototype', { kind: 'constructor', at: NOW }],
    ['a time before all others', { ...MESSAGES.declined, at: 0 }],
    ['a run that is no digest', { ...MESSAGES.declined, run: 'ab' }],
    ['a name in capitals', { ...MESSAGES.declined, party: 'Bank' }],
    ['a reason of two lines', { ...MESSAGES.declined, reason: 'a\nb' }],
    ['a reason that turns text around', { ...MESSAGES.declined, reason: 'a\u202eb' }],
    ['a long reason', { ...MESSAGES.declined, reason: 'x'.repeat(257) }],
    ['a long note', { ...MESSAGES.offered, note: 'x'.repeat(257) }],
    ['a note of nothing', { ...MESSAGES.offered, note: '' }],
    ['a long envelope', { ...MESSAGES.consented, envelope: 'x'.repeat(65_536) }],
    ['no contract', { ...MESSAGES.proposed, contract: '{}' }],
    ['a contract with white space', { ...MESSAGES.proposed, contract: `${MESSAGES.proposed.contract} ` }],
    ['a contract with half a character', { ...MESSAGES.proposed, contract: '\ud800' }],
    [
      'too many outputs',
      { ...MESSAGES.view, view: view({ outputs: Array.from({ length: 65 }, () => 'x') }) },
    ],
    ['nothing at all', undefined],
    ['a list', []],
  ])('%s is refused', (_what, value) => {
    refused(value)
  })
})

describe('somebody who takes part', () => {
  const about = { board: ROOM.board, at: NOW }
  const joined = joinedMessage(BANK, 'bank', about)
  const document = { format: 'sotto-room-member/1', board: ROOM.board, party: BANK.as('bank'), at: NOW }
  const signed = (change: object, by = BANK, type = MEMBER_TYPE): string =>
    fromUtf8(signDsse(type, encodeDocument({ ...document, ...change }), [by.signer]))

  it('is who signed for it, with these keys', () => {
    expect(verifyMembership(joined.envelope, ROOM.board)).toEqual(document)
    expect(decode(joined)).toEqual(joined)
  })

  it('is not believed after any change of a byte', () => {
    const bytes = utf8(joined.envelope)
    const place = fc.record({ at: fc.nat({ max: bytes.length - 1 }), by: fc.integer({ min: 1, max: 127 }) })
    fc.assert(
      fc.property(place, ({ at, by }) => {
        const changed = bytes.slice()
        changed[at]! ^= by
        fc.pre(changed[at]! < 128)
        refused({ ...joined, envelope: fromUtf8(changed) }, 'ROOM_BOARD')
      }),
    )
  })

  it.each<[string, string]>([
    ['signed for another board', signed({ board: OTHER_ROOM.board })],
    ['signed by another key', signed({}, RETAILER)],
    ['signed with another key named', signed({ party: STRANGER.as('bank') })],
    ['signed as something else', signed({}, BANK, 'application/vnd.sotto.room-board+json')],
    ['of another format', signed({ format: 'sotto-room-member/2' })],
    ['with more than a membership', signed({ more: 1 })],
    [
      'with a short key to seal to',
      signed({ party: { ...BANK.as('bank'), sealTo: toBase64Url(new Uint8Array(32)) } }),
    ],
    [
      'with two signatures',
      fromUtf8(signDsse(MEMBER_TYPE, encodeDocument(document), [BANK.signer, RETAILER.signer])),
    ],
    ['with no envelope', 'bank'],
  ])('is not believed %s', (_what, envelope) => {
    refused({ ...joined, envelope }, 'ROOM_BOARD')
  })

  it('is not believed where message and envelope say different things', () => {
    for (const change of [
      { party: RETAILER.as('bank') },
      { party: { ...BANK.as('bank'), sealTo: RETAILER.as('bank').sealTo } },
      { party: BANK.as('banks') },
      { at: NOW + 1 },
    ])
      refused({ ...joined, ...change })
  })

  it('has one signature and no more', () => {
    expect(parseDsse(utf8(joined.envelope)).signatures).toHaveLength(1)
  })
})

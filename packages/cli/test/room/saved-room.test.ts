import { encodeInvitation, roomSecret } from '../../../client/src/rooms/index.ts'
import { SottoError } from '@sotto/protocol/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeSavedRoom, parseSavedRoom, type SavedRoom } from '../../src/room/saved-room.ts'

const FILE = '/config/rooms/offers/room.json'
const INVITATION = encodeInvitation(roomSecret(new Uint8Array(32).fill(7)))
const ROOM: SavedRoom = {
  format: 'sotto-room-file/1',
  name: 'offers',
  party: 'bank',
  invitation: INVITATION,
  key: '/config/owner.key',
  service: {
    host: 'https://relay.example',
    gateway: 'inference',
    policy: '/policy.json',
    log: 'https://log.example',
  },
  isJoined: true,
}

function refusalOf(text: string): SottoError {
  try {
    parseSavedRoom(text, FILE)
  } catch (error) {
    expect(error).toBeInstanceOf(SottoError)
    return error as SottoError
  }
  throw new Error('nothing was refused')
}

describe('the file of a room', () => {
  it('is read as it was written', () => {
    const { secret, ...room } = parseSavedRoom(encodeSavedRoom(ROOM), FILE)
    expect(room).toEqual(ROOM)
    expect(secret.secret).toEqual(new Uint8Array(32).fill(7))
  })

  it.each<[string, object | string]>([
    ['nothing', ''],
    ['no JSON', `{"invitation": "${INVITATION}"`],
    ['a list', '[]'],
    ['a member more', { ...ROOM, more: 1 }],
    ['a member less', { ...ROOM, key: undefined }],
    ['another format', { ...ROOM, format: 'sotto-room-file/2' }],
    ['a name that is a path', { ...ROOM, name: '../x' }],
    ['a party in capitals', { ...ROOM, party: 'Bank' }],
    ['a damaged invitation', { ...ROOM, invitation: `${INVITATION.slice(0, -1)}_` }],
    ['no invitation', { ...ROOM, invitation: '' }],
    ['a service without its host', { ...ROOM, service: { gateway: 'a', policy: 'b' } }],
    ['a word where it says yes or no', { ...ROOM, isJoined: 'yes' }],
  ])('is refused with %s, and nothing of it is repeated', (_what, content) => {
    const error = refusalOf(typeof content === 'string' ? content : JSON.stringify(content))
    expect(error).toMatchObject({ code: 'CLI_FILE', action: 'fix-input' })
    expect(JSON.stringify({ ...error, message: error.message, cause: error.cause })).not.toContain(
      INVITATION.slice(11, 40),
    )
  })

  it('is what it was, or refused by name, however it is damaged', () => {
    const text = encodeSavedRoom(ROOM)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(3), fc.string({ maxLength: 3 }), (at, removed, put) => {
        const damaged = text.slice(0, at) + put + text.slice(at + removed)
        try {
          parseSavedRoom(damaged, FILE)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CLI_FILE' })
        }
      }),
      { numRuns: 300 },
    )
  })
})

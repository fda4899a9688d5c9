import { expect, it } from 'vitest'
import { roomError, type RoomErrorCode } from '@sotto/protocol/room'

/** Wire values: whoever handles them relies on both. */
const ACTIONS: Record<RoomErrorCode, 'fix-input' | 'retry' | 'stop'> = {
  ROOM_DATA: 'stop',
  ROOM_DOCUMENT: 'fix-input',
  ROOM_SIGNATURE: 'stop',
  ROOM_OTHER: 'stop',
}

it.each(Object.entries(ACTIONS))('%s asks for %s', (code, action) => {
  const cause = new Error('because')
  const error = roomError(code as RoomErrorCode, 'no', { expected: 'a', found: 'b', cause })
  expect(error).toMatchObject({ code, action, message: 'no', expected: 'a', found: 'b', cause })
})

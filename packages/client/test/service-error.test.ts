import { expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { roomRefusal } from '../src/rooms/refusal.ts'
import { isPassing } from '../src/service-error.ts'

it.each<[string, Parameters<typeof isPassing>, boolean]>([
  ['the service says so', [{ action: 'retry' }, 400], true],
  ['the service says something else, whatever its status', [{ action: 'stop' }, 503], false],
  ['it is busy and says nothing', [{}, 503], true],
  ['it was asked too often and says nothing', [{}, 429], true],
  ['it refuses and says nothing', [{}, 404], false],
  ['it says nothing inside a seal', [{ code: 'KMS_HELD' }], false],
])('an error passes or not: %s', (_what, of, expected) => {
  expect(isPassing(...of)).toBe(expected)
})

it('a refusal says who answered, in its own words and with its own code', () => {
  const body = utf8('{"error":{"code":"KMS_HELD","message":"it is held","action":"retry"}}')
  expect(roomRefusal('KMS', body)).toMatchObject({
    code: 'ROOM_UNAVAILABLE',
    message: 'the KMS answered: it is held',
    found: 'KMS_HELD',
  })
  expect(roomRefusal('board', undefined, 404)).toMatchObject({
    code: 'ROOM_REFUSED',
    message: 'the board answered: status 404',
    found: 'status 404',
  })
})

import { SottoError } from '@sotto/protocol/errors'
import { expect, it } from 'vitest'
import { refusalOf } from '../../src/connection/trouble.ts'

it.each(['stop', 'fix-input'] as const)('what asks to %s is against what was looked at', (action) => {
  const refusal = refusalOf(new SottoError('ROOM_OFFER', action, 'the evidence does not pass'))
  expect(refusal).toMatchObject({
    code: 'ROOM_OFFER',
    message: 'The evidence does not pass',
    canRetry: false,
  })
})

it('is nothing that was looked at where a connection failed, or nobody knows why', () => {
  expect(refusalOf(new SottoError('ROOM_UNAVAILABLE', 'retry', 'the room does not answer'))).toBeUndefined()
  expect(refusalOf(new TypeError('fetch failed'))).toBeUndefined()
})

import { SottoError } from '@sotto/protocol/errors'
import { expect, test } from 'vitest'
import { errorResponse, mapErrors, serveError } from '../../src/errors/index.ts'

async function bodyOf(response: Response): Promise<unknown> {
  return response.json()
}

test('an error shows its code, message and action, and no other field', async () => {
  const error = new SottoError('KMS_POLICY', 'stop', 'refused', {
    expected: 'a',
    found: 'secret',
    cause: new Error('secret'),
  })
  const response = errorResponse(error, { KMS_POLICY: 409 })
  expect(response.status).toBe(409)
  expect(await bodyOf(response)).toEqual({
    error: { code: 'KMS_POLICY', message: 'refused', action: 'stop' },
  })
})

test.each([
  ['fix-input', 400],
  ['retry', 503],
  ['stop', 403],
] as const)('without an entry the action %s decides the status', (action, status) => {
  expect(errorResponse(new SottoError('toString', action, 'm')).status).toBe(status)
})

test('anything else becomes INTERNAL without detail', async () => {
  const codes: unknown[] = []
  const app = mapErrors(
    () => {
      throw new Error('the private key is 1234')
    },
    { onError: (...args) => codes.push(args) },
  )
  const response = await app(new Request('http://x/'))
  expect(response.status).toBe(500)
  expect(JSON.stringify(await bodyOf(response))).not.toContain('1234')
  expect(codes).toEqual([['INTERNAL', 500]])
})

test('429 and 503 say when to come back', () => {
  expect(errorResponse(serveError('HTTP_TOO_MANY', 'm')).headers.get('retry-after')).toBe('1')
  expect(errorResponse(serveError('HTTP_BUSY', 'm')).headers.get('retry-after')).toBe('1')
})

test('a message is bounded, whatever name the sender gave a field', async () => {
  const response = errorResponse(new SottoError('JCS_FIELD', 'fix-input', 'x'.repeat(100_000)))
  expect((await response.text()).length).toBeLessThan(700)
})

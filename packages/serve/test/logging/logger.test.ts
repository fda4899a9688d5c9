import { expect, test } from 'vitest'
import { createLogger } from '../../src/logging/index.ts'

const EVENTS = {
  started: { url: 'address', port: 'count' },
  refused: { code: 'code', who: 'name', digest: 'digest', final: 'flag' },
} as const

function setup(): { lines: string[]; logger: ReturnType<typeof createLogger<typeof EVENTS>> } {
  const lines: string[] = []
  return { lines, logger: createLogger('kms', EVENTS, { write: (line) => lines.push(line), now: () => 0 }) }
}

test('writes one JSON line per listed event', () => {
  const { lines, logger } = setup()
  logger.log('started', { url: 'http://127.0.0.1:80', port: 80 })
  expect(lines).toEqual([
    '{"time":"1970-01-01T00:00:00.000Z","role":"kms","event":"started","url":"http://127.0.0.1:80","port":80}\n',
  ])
})

test('drops events and fields that are not listed, whatever they hold', () => {
  const { lines, logger } = setup()
  // @ts-expect-error an unlisted event is a type error
  logger.log('key-released', { key: 'c2VjcmV0' })
  // @ts-expect-error an unlisted field is a type error
  logger.log('refused', { code: 'KMS_POLICY', prompt: 'my secret', __proto__: { a: 1 } })
  logger.log('toString' as 'started')
  expect(lines.join('')).not.toMatch(/secret|c2Vj/)
  expect(JSON.parse(lines[0]!)).toMatchObject({ event: 'refused', code: 'KMS_POLICY' })
  expect(lines).toHaveLength(1)
  expect(logger.dropped).toBe(3)
})

test('drops a value that is not of its kind: there is no free text', () => {
  const { lines, logger } = setup()
  logger.log('refused', {
    code: 'dear doctor',
    who: 'Alice Smith',
    digest: 'private key',
    final: 'no' as unknown as boolean,
  })
  logger.log('started', { url: 'http://host/?prompt=x', port: -1 })
  expect(lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual([
    ['time', 'role', 'event'],
    ['time', 'role', 'event'],
  ])
})

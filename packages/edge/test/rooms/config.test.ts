import { expect, it } from 'vitest'
import { roomsConfig } from '../../src/rooms/index.ts'

const LEAST = { listen: { port: 1 }, store: '/s', genesis: 'ab'.repeat(32), owners: '/o' }

it('a configuration says where boards lie and whose they are; the rest has defaults', () => {
  expect(roomsConfig(LEAST, 'config')).toMatchObject({
    store: '/s',
    owners: '/o',
    uploadRestSeconds: 86_400,
    restSeconds: 90 * 86_400,
    maxBoards: 64,
  })
})

it.each([
  ['no store', { store: undefined }],
  ['a genesis that is no digest', { genesis: 'ab' }],
  ['boards that rest no hour', { restSeconds: 3599 }],
  ['files that rest no minute', { uploadRestSeconds: 59 }],
  ['no boards', { maxBoards: 0 }],
  ['a log, which boards have not', { log: {} }],
])('a configuration with %s is refused', (_, change) => {
  expect(() => roomsConfig({ ...LEAST, ...change }, 'config')).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})

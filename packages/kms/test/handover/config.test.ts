import { expect, test } from 'vitest'
import { decodeKmsConfig } from '../../src/config/index.ts'
import { World } from '../world.ts'

const decode = (change: Record<string, unknown>) =>
  decodeKmsConfig({ ...new World().configFields(), ...change }, 'config')
const expectGenesis = 'ab'.repeat(32)

test('without peers the root source is asked at once', () => {
  expect(decode({}).peers).toEqual([])
  expect(decode({ peers: ['https://kms-1.test'], expectGenesis }).peers).toHaveLength(1)
})

test.each<[string, Record<string, unknown>]>([
  ['peers of any genesis', { peers: ['https://kms-1.test'] }],
  ['a peer twice', { peers: ['https://kms-1.test', 'https://kms-1.test'], expectGenesis }],
  ['an empty list', { peers: [], expectGenesis }],
  ['more than eight', { peers: Array.from({ length: 9 }, (_, n) => `https://kms-${n}.test`), expectGenesis }],
  ['credentials in a URL', { peers: ['https://me:secret@kms-1.test'], expectGenesis }],
  ['no URL', { peers: ['kms-1'], expectGenesis }],
])('a configuration with %s is refused', (_, change) => {
  expect(() => decode(change)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error)
})

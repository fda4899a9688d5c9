import { expect, test } from 'vitest'
import { decodeKmsConfig, type KmsConfig } from '../../src/config/index.ts'
import { claim } from '../../../../test/claims.ts'

const key = (n: number): string => Buffer.alloc(32, n).toString('base64url')
const BASE = {
  name: 'demo',
  listen: { port: 0 },
  store: '/tmp/x',
  log: { url: 'http://127.0.0.1:1', origin: 'sotto.example/log', key: 'sotto.example/log+0a1b2c3d+AQID' },
  witnesses: { keys: ['w1+0a1b2c3d+AQID', 'w2+0a1b2c3e+AQID'], quorum: 2 },
  members: [
    { name: 'a', key: key(1) },
    { name: 'b', key: key(2) },
  ],
  threshold: 2,
  releaseKeys: [key(3)],
  softwareRoots: ['00'.repeat(32)],
}
const decode = (change: object): KmsConfig => decodeKmsConfig({ ...BASE, ...change }, 'config')

test(
  claim('T4', 'request keys live a day by default, with a quarter of it as overlap and a short grace'),
  () => {
    expect(decode({})).toMatchObject({
      timing: { rotationSeconds: 86400, overlapSeconds: 21600, graceSeconds: 600 },
      suites: ['X-Wing', 'X25519'],
      evidenceRefreshSeconds: 3600,
      metrics: undefined,
    })
  },
)

test.each<[string, object]>([
  ['a key that lives longer than a day', { rotationSeconds: 86401 }],
  ['a long grace', { graceSeconds: 3601 }],
  ['no grace', { graceSeconds: 0 }],
  ['an overlap longer than half the life', { rotationSeconds: 100, overlapSeconds: 51 }],
  ['a member twice', { members: [BASE.members[0], { name: 'c', key: key(1) }] }],
  ['a threshold nobody can reach', { threshold: 3 }],
  ['a threshold of none', { threshold: 0 }],
  ['a quorum nobody can reach', { witnesses: { ...BASE.witnesses, quorum: 3 } }],
  ['a witness twice', { witnesses: { keys: ['w1+0a1b2c3d+AQID', 'w1+0a1b2c3d+AQID'], quorum: 2 } }],
  ['a suite twice', { suites: ['X25519', 'X25519'] }],
  ['a suite nobody knows', { suites: ['RSA'] }],
  [
    'a member key that is not canonical',
    { members: [{ name: 'a', key: `${key(1).slice(0, 42)}F` }], threshold: 1 },
  ],
  [
    'a member key that is a compressed point',
    { members: [{ name: 'a', key: Buffer.alloc(33, 2).toString('base64url') }], threshold: 1 },
  ],
  [
    'a member key that is no uncompressed point',
    { members: [{ name: 'a', key: Buffer.alloc(65, 2).toString('base64url') }], threshold: 1 },
  ],
  ['a switch that turns wrapping off', { encrypted: false }],
  ['stale evidence', { evidenceRefreshSeconds: 3601 }],
  ['a database by its URL, which is not measured', { store: { postgres: { url: 'postgresql://x' } } }],
  ['a store of a database without a name', { store: { postgres: {} } }],
  ['a name no store has', { store: { postgres: { name: 'A/b' } } }],
  ['a lease longer than a minute', { store: { postgres: { name: 'a', leaseSeconds: 61 } } }],
  ['two places for one store', { store: { postgres: { name: 'a' }, directory: '/x' } }],
])('refuses %s', (_, change) => {
  expect(() => decode(change)).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('keeps the store in a directory, or in a database that replicas share', () => {
  expect(decode({ store: '/srv/kms' }).store).toBe('/srv/kms')
  const postgres = { name: 'production', leaseSeconds: 5 }
  expect(decode({ store: { postgres: { name: 'production' } } }).store).toEqual({ postgres })
})

test('takes members with Ed25519 and with P-256 keys', () => {
  const members = [32, 65].map((length) => ({
    name: `${length} bytes`,
    key: Buffer.alloc(length, 4).toString('base64url'),
  }))
  expect(decodeKmsConfig({ ...BASE, members, threshold: 2 }, 'config').members).toEqual(members)
})

test(claim('T10', 'is for hardware unless it names roots of the software TEE, each once'), () => {
  const { softwareRoots: _, ...hardware } = BASE
  expect(decodeKmsConfig(hardware, 'config').softwareRoots).toEqual([])
  for (const softwareRoots of [[], ['00'.repeat(32), '00'.repeat(32)], ['00'], [{ root: '00'.repeat(32) }]])
    expect(() => decode({ softwareRoots })).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

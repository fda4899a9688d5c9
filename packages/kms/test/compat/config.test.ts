import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { decodeKmsConfig } from '../../src/config/index.ts'
import { runKms } from '../../src/run.ts'
import { hardwareOf, KMS_IMAGE, World } from '../world.ts'

const fields = new World().configFields()
const decode = (compat: unknown) => decodeKmsConfig({ ...fields, compat }, 'config')

test('another dialect brings its keys, and the names of the host for its certificate', () => {
  const { compat, suites } = decode({ dialect: 'azure', listen: { port: 8443 } })
  expect(suites).toEqual(['X-Wing', 'X25519', 'P-384'])
  expect(compat).toEqual({
    dialect: 'azure',
    listen: { host: '127.0.0.1', port: 8443 },
    names: ['localhost', '127.0.0.1'],
  })
  const names = ['kms.example', '192.0.2.7', '::1']
  expect(decode({ dialect: 'azure', listen: { port: 1 }, names }).compat!.names).toEqual(names)
  const given = { ...fields, suites: ['P-384'], compat: { dialect: 'azure', listen: { port: 1 } } }
  expect(decodeKmsConfig(given, 'config').suites).toEqual(['P-384'])
})

test.each<[string, unknown]>([
  ['a word alone', 'azure'],
  ['another dialect', { dialect: 'aws', listen: { port: 1 } }],
  ['no address', { dialect: 'azure' }],
  ['no names', { dialect: 'azure', listen: { port: 1 }, names: [] }],
  ['a name that is none', { dialect: 'azure', listen: { port: 1 }, names: ['a b'] }],
  [
    'an address of IPv6 that is not loopback',
    { dialect: 'azure', listen: { port: 1 }, names: ['2001:db8::1'] },
  ],
  ['another member', { dialect: 'azure', listen: { port: 1 }, insecure: true }],
])('refused: %s', (_name, compat) => {
  expect(() => decode(compat)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test(claim('T10', 'a KMS in the software TEE serves no dialect beyond loopback'), async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-kms-compat-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [configPath, store] = [join(folder, 'config.json'), join(folder, 'store')]
  const compat = { dialect: 'azure', listen: { host: '0.0.0.0', port: 0 } }
  const log = { ...(fields['log'] as object), url: 'http://127.0.0.1:9' }
  writeFileSync(configPath, JSON.stringify({ ...fields, store, log, compat }))
  const ignore = (): void => undefined
  const running = runKms(
    { configPath, env: {}, onShutdown: ignore, ready: ignore, stop: ignore },
    hardwareOf({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) }),
  )
  await expect(running).rejects.toMatchObject({ code: 'KMS_POLICY_MIXED', found: '0.0.0.0' })
  expect(existsSync(store)).toBe(false)
})

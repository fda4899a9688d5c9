import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { Table } from './table.ts'

let table: Table
beforeEach(() => void (table = new Table()))
afterEach(() => table.clear())
const at = (name: string): string => join(table.folder, name)

describe('sotto keys new', () => {
  it('keeps the private key in a file of its owner alone and prints the public one', async () => {
    for (const [flags, length, algorithm] of [
      [[], 32, 'EdDSA'],
      [['--p256'], 65, 'ES256'],
    ] as const) {
      const file = `${algorithm}.key`
      const { code, stdout, stderr } = await table.sotto(['keys', 'new', file, ...flags])
      expect(code).toBe(0)
      expect(fromBase64Url(stdout.trim())).toHaveLength(length)
      expect(statSync(at(file)).mode & 0o777).toBe(0o600)
      const { secret } = JSON.parse(readFileSync(at(file), 'utf8')) as { secret: string }
      expect(stdout + stderr).not.toContain(secret)
      const shown = await table.sotto(['keys', 'show', file, '--json'])
      expect(JSON.parse(shown.stdout)).toEqual({ key: stdout.trim(), algorithm })
      expect(shown.stdout).not.toContain(secret)
    }
  })

  it('never replaces a key', async () => {
    await table.sotto(['keys', 'new', 'a.key'])
    const before = readFileSync(at('a.key'), 'utf8')
    const { code, stderr } = await table.sotto(['keys', 'new', 'a.key', '--yes'])
    expect([code, readFileSync(at('a.key'), 'utf8')]).toEqual([2, before])
    expect(stderr).toContain('[CLI_FILE]')
  })

  it('reads keys of other tools', async () => {
    for (const [type, options] of [
      ['ed25519', {}],
      ['ec', { namedCurve: 'P-256' }],
    ] as const) {
      const { privateKey, publicKey } = generateKeyPairSync(type as 'ec', options as { namedCurve: string })
      table.write(`${type}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
      const { stdout } = await table.sotto(['keys', 'new', `${type}.key`, '--from', `${type}.pem`])
      const { x, y } = publicKey.export({ format: 'jwk' })
      const key = Buffer.concat([
        y === undefined ? Buffer.alloc(0) : Buffer.of(4),
        ...[x, y].map((part) => Buffer.from(part ?? '', 'base64url')),
      ])
      expect(stdout.trim()).toBe(key.toString('base64url'))
    }
  })

  it.each([
    ['a key on another curve', () => pem('ec', { namedCurve: 'P-384' })],
    ['an RSA key', () => pem('rsa', { modulusLength: 2048 })],
    ['an encrypted key', () => pem('ed25519', {}, { cipher: 'aes-256-cbc', passphrase: 'x' })],
    ['no key', () => 'hello'],
  ])('refuses %s, and does not say what stood in the file', async (_, make) => {
    const content = make()
    table.write('other.pem', content)
    const { code, stdout, stderr } = await table.sotto(['keys', 'new', 'a.key', '--from', 'other.pem'])
    expect([code, stdout]).toEqual([2, ''])
    for (const line of content.split('\n').slice(1, -2)) expect(stderr).not.toContain(line.slice(0, 40))
  })
})

describe('a key file', () => {
  it.each([
    ['that others can read', (key: string) => table.write('bad.key', key, 0o644)],
    ['that is damaged', (key: string) => table.write('bad.key', key.slice(0, 20))],
    ['with a member twice', (key: string) => table.write('bad.key', key.replace('{', '{"version":1,'))],
    [
      'with a secret of another length',
      (key: string) => table.write('bad.key', key.replace(/"secret":".../, '"secret":"')),
    ],
    ['that is a PEM file', () => table.write('bad.key', pem('ed25519', {}))],
  ])('%s is refused', async (_, spoil) => {
    await table.sotto(['keys', 'new', 'good.key'])
    const content = readFileSync(at('good.key'), 'utf8')
    spoil(content)
    const { code, stderr } = await table.sotto(['keys', 'show', 'bad.key'])
    expect(code).toBe(2)
    expect(stderr).toContain('[CLI_FILE]')
    const { secret } = JSON.parse(content) as { secret: string }
    expect(stderr).not.toContain(secret.slice(8, 30))
  })
})

function pem(type: string, options: object, protection: object = {}): string {
  const { privateKey } = generateKeyPairSync(type as 'ec', options as { namedCurve: string })
  return privateKey.export({ type: 'pkcs8', format: 'pem', ...protection } as never) as string
}

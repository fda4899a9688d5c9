import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { integer, list, listen, object, readConfig, text } from '../../src/config/index.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sotto-config-'))
})
afterAll(() => rm(dir, { recursive: true }))

const decode = object((f) => ({
  name: f.required('name', text({ pattern: /^[a-z]+$/ })),
  listen: f.required('listen', listen),
  sizes: f.optional('sizes', list(integer(1, 10), 0, 2), []),
}))

async function read(content: string | Uint8Array): Promise<unknown> {
  const path = join(dir, 'config.json')
  await writeFile(path, content)
  return readConfig(path, decode)
}

test('returns the decoded value with the exact bytes and their hash', async () => {
  const source = '{ "name": "kms",\n "listen": {"port": 0}, "sizes": [1, 2] }\n'
  expect(await read(source)).toEqual({
    config: { name: 'kms', listen: { host: '127.0.0.1', port: 0 }, sizes: [1, 2] },
    bytes: new Uint8Array(Buffer.from(source)),
    sha256: createHash('sha256').update(source).digest('hex'),
  })
})

test.each([
  ['not JSON', '{'],
  ['a list', '[]'],
  ['null', 'null'],
  ['a missing field', '{"name":"kms"}'],
  ['an unknown field', '{"name":"kms","listen":{"port":0},"extra":1}'],
  ['an unknown nested field', '{"name":"kms","listen":{"port":0,"tls":false}}'],
  ['a key given twice', '{"name":"kms","name":"other","listen":{"port":0}}'],
  ['a key given twice through an escape', '{"name":"kms","n\\u0061me":"other","listen":{"port":0}}'],
  ['a __proto__ key', '{"name":"kms","listen":{"port":0},"__proto__":{}}'],
  ['a port out of bounds', '{"name":"kms","listen":{"port":65536}}'],
  ['a float', '{"name":"kms","listen":{"port":1.5}}'],
  ['text that does not match', '{"name":"KMS","listen":{"port":0}}'],
  ['a list that is too long', '{"name":"kms","listen":{"port":0},"sizes":[1,1,1]}'],
  ['17 levels', `${'['.repeat(17)}${']'.repeat(17)}`],
  ['bytes that are not UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
])('refuses %s', async (_, content) => {
  await expect(read(content)).rejects.toMatchObject({ code: 'CONFIG_INVALID', action: 'fix-input' })
})

test('the same key in two objects, and keys inside texts, are no duplicates', async () => {
  const path = join(dir, 'same.json')
  await writeFile(path, '[{"a":1},{"a":"a\\":\\"{,"},{"b":{"a":1},"a":2}]')
  const { config } = await readConfig(path, (value) => value)
  expect(config).toEqual([{ a: 1 }, { a: 'a":"{,' }, { b: { a: 1 }, a: 2 }])
})

test.each([
  ['a missing file', () => join(dir, 'absent')],
  ['a directory', () => dir],
  ['a device', () => '/dev/zero'],
])('refuses %s', async (_, path) => {
  await expect(readConfig(path(), decode)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
})

test('refuses a file over 256 KiB', async () => {
  await expect(read(' '.repeat(256 * 1024 + 1))).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
})

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { changeProxyUsers, newUserKey, type ProxyUser, readProxyUsers } from '../../src/proxy/index.ts'
import { readPrivateFile } from '../../src/proxy/private-file.ts'
import { testFolder } from './folder.ts'

const add = (file: string, user: ProxyUser): Promise<void> =>
  changeProxyUsers(file, (users) => ({ users: [...users, user], result: undefined }))

it('is made on the first change, for its owner alone, and nothing else is left beside it', async () => {
  const folder = testFolder()
  const file = join(folder, 'users.json')
  await add(file, { name: 'ada', key: newUserKey().key })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect((await readProxyUsers(file)).users.map(({ name }) => name)).toEqual(['ada'])
  expect(readdirSync(folder).sort()).toEqual(['users.json', 'users.json.lock'])
})

it('loses no change of two who change it at once', async () => {
  const file = join(testFolder(), 'users.json')
  const names = Array.from({ length: 20 }, (_, i) => `user${i}`)
  await Promise.all(names.map((name) => add(file, { name })))
  expect((await readProxyUsers(file)).users.map(({ name }) => name).sort()).toEqual(names.sort())
})

it('stays as it was when a change fails or makes no such file', async () => {
  const file = join(testFolder(), 'users.json')
  await add(file, { name: 'ada' })
  const before = readFileSync(file, 'utf8')
  await expect(add(file, { name: 'ada' })).rejects.toMatchObject({ code: 'PROXY_CONFIG' })
  await expect(
    changeProxyUsers(file, () => {
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(readFileSync(file, 'utf8')).toBe(before)
})

it('is not replaced where it is damaged, or readable by others', async () => {
  const file = join(testFolder(), 'users.json')
  writeFileSync(file, '{"version":1,"users":[', { mode: 0o600 })
  await expect(add(file, { name: 'ada' })).rejects.toMatchObject({ code: 'PROXY_CONFIG' })
  writeFileSync(file, '{"version":1,"users":[]}')
  chmodSync(file, 0o644)
  await expect(add(file, { name: 'ada' })).rejects.toMatchObject({ code: 'PROXY_CONFIG', found: 'mode 0644' })
  expect(readFileSync(file, 'utf8')).toBe('{"version":1,"users":[]}')
})

it.each([0o640, 0o604, 0o660, 0o644, 0o620])('a secret of mode %o is refused', async (mode) => {
  const file = join(testFolder(), 'secret')
  writeFileSync(file, 'secret')
  chmodSync(file, mode)
  await expect(readPrivateFile(file, 100)).rejects.toMatchObject({
    code: 'PROXY_CONFIG',
    found: `mode ${mode.toString(8).padStart(4, '0')}`,
  })
})

it('a secret that is missing, a folder or too large is refused; one behind a link is read', async () => {
  const folder = testFolder()
  const secret = join(folder, 'secret')
  const read = (path: string, max = 100): Promise<string> => readPrivateFile(path, max)
  await expect(read(secret)).rejects.toMatchObject({ code: 'PROXY_CONFIG', found: 'ENOENT' })
  mkdirSync(join(folder, 'folder'))
  await expect(read(join(folder, 'folder'))).rejects.toMatchObject({ code: 'PROXY_CONFIG' })
  writeFileSync(secret, 'secret', { mode: 0o600 })
  await expect(read(secret, 5)).rejects.toMatchObject({ code: 'PROXY_CONFIG', found: '6 bytes' })
  symlinkSync(secret, join(folder, 'link'))
  expect(await read(join(folder, 'link'))).toBe('secret')
  expect(existsSync(secret)).toBe(true)
})

import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type DeploymentRecord, openRecords, type Records } from '../../../src/deploy/record/records.ts'

let home: string
let records: Records
let root: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sotto-records-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  root = join(home, 'config', 'state', 'deployments')
  records = openRecords({ cwd: home, env: { SOTTO_CONFIG_DIR: join(home, 'config') } })
})

const record = (change: Partial<DeploymentRecord> = {}): DeploymentRecord => ({
  name: 'notes',
  target: 'local',
  folder: '/home/ada/notes',
  digest: 'ab'.repeat(32),
  deployedAt: 1_800_000_000,
  ...change,
})
const names = async (): Promise<string[]> => (await records.list()).map(({ name }) => name)

describe('deployments of a user', () => {
  it('are none at first, then listed by name, found by name, and forgotten', async () => {
    expect(await records.list()).toEqual([])
    await records.remove(record())
    const cluster = record({
      name: 'a',
      target: 'kubernetes',
      output: '/out',
      namespace: 'sotto',
      expiresAt: 1,
    })
    await records.put(record())
    await records.put(cluster)
    expect(await records.list()).toEqual([cluster, record()])
    expect(await records.of('a')).toEqual([cluster])
    expect(await records.find('a', 'kubernetes')).toEqual(cluster)
    expect(await records.find('a', 'local')).toBeUndefined()
    await records.remove(cluster)
    expect(await names()).toEqual(['notes'])
  })

  it('are one for each target: what is written of one says nothing of another', async () => {
    const applied = {
      at: 1_800_000_000,
      output: '/out',
      namespace: 'ours',
      roles: ['log', 'kms'],
    }
    const kubernetes = record({ target: 'kubernetes', output: '/out', namespace: 'ours', applied })
    const compose = record({ target: 'compose', output: '/other', kms: 'https://kms', log: 'https://log' })
    await records.put(kubernetes)
    await records.put(compose)
    await records.put(record())
    expect(await records.of('notes')).toEqual([record(), compose, kubernetes])
    expect(await records.list()).toEqual([record(), compose, kubernetes])
    expect(readdirSync(root).sort()).toEqual(['notes.compose.json', 'notes.json', 'notes.kubernetes.json'])
    await records.remove(compose)
    expect(await records.of('notes')).toEqual([record(), kubernetes])
  })

  it('are written whole, for their user alone', async () => {
    await records.put(record())
    expect(readdirSync(root)).toEqual(['notes.json'])
    expect(statSync(root).mode & 0o777).toBe(0o700)
    expect(statSync(join(root, 'notes.json')).mode & 0o777).toBe(0o600)
  })

  it('of two folders do not share a name, and the error says where the other one is', async () => {
    await records.put(record())
    await records.require('notes', '/home/ada/notes')
    await records.require('other', '/home/ada/else')
    await expect(records.require('notes', '/home/ada/else')).rejects.toThrow(
      expect.objectContaining({
        code: 'DEPLOY_NAME',
        found: '/home/ada/notes',
        hint: expect.stringContaining('sotto stop notes --delete') as string,
      }) as Error,
    )
    await records.put(record({ name: 'far', target: 'aci' }))
    await expect(records.require('far', '/home/ada/else')).rejects.toThrow(
      expect.objectContaining({
        code: 'DEPLOY_NAME',
        hint: expect.stringContaining('sotto stop far --target aci') as string,
      }) as Error,
    )
  })

  it('that got another name in their folder lose the one before; those in clusters keep theirs', async () => {
    await records.put(record({ name: 'cluster', target: 'aci' }))
    await records.put(record({ name: 'elsewhere', folder: '/home/ada/else' }))
    await records.put(record({ name: 'before' }))
    await records.put(record({ name: 'after' }))
    expect(await names()).toEqual(['after', 'cluster', 'elsewhere'])
  })

  it('that are unknown are refused with the names that there are', async () => {
    const refused = (expected: string): Error =>
      expect.objectContaining({ code: 'DEPLOY_UNKNOWN', expected }) as Error
    await expect(records.of('x')).rejects.toThrow(refused('none yet'))
    await records.put(record())
    await expect(records.of('x')).rejects.toThrow(refused('notes'))
  })

  it.each([
    '../notes',
    '..',
    '',
    '.',
    'a/b',
    'a\0',
    '__proto__',
    'constructor',
    'Notes',
    'x'.repeat(200),
    'a\nb',
  ])('the name %j reaches no file, and is shown on one line', async (name) => {
    mkdirSync(root, { recursive: true })
    writeFileSync(join(root, '..', 'notes.json'), JSON.stringify(record({ name })))
    const error = await records.of(name).then(
      () => expect.unreachable('it was found'),
      (thrown: unknown) => thrown as Error,
    )
    expect(error).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
    expect(error.message).not.toMatch(/\n/)
    await records.require(name, '/anywhere')
  })
})

describe('a damaged record counts as none', () => {
  it.each<[string, string]>([
    ['nothing', ''],
    ['half of it', JSON.stringify(record()).slice(0, 40)],
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"notes"'],
    ['the name of another', JSON.stringify(record({ name: 'other' }))],
    ['an unknown target', JSON.stringify({ ...record(), target: 'mars' })],
    ['a target of a prototype', JSON.stringify({ ...record(), target: 'constructor' })],
    ['no folder', JSON.stringify({ ...record(), folder: undefined })],
    ['a relative folder', JSON.stringify(record({ folder: 'notes' }))],
    ['a folder with NUL', JSON.stringify(record({ folder: '/a\0b' }))],
    ['a folder that is a list', JSON.stringify({ ...record(), folder: ['/a'] })],
    ['an output that is a number', JSON.stringify({ ...record(), output: 1 })],
    ['a relative output', JSON.stringify(record({ output: '../..' }))],
    ['a namespace that is an object', JSON.stringify({ ...record(), namespace: {} })],
    ['a time that is text', JSON.stringify({ ...record(), deployedAt: 'now' })],
    ['an end that is text', JSON.stringify({ ...record(), expiresAt: 'never' })],
    ['an address that is a number', JSON.stringify({ ...record(), kms: 7 })],
    ['something else that was handed over', JSON.stringify({ ...record(), applied: { roles: ['log'] } })],
    [
      'roles that are no list',
      JSON.stringify({ ...record(), applied: { at: 1, output: '/out', roles: 'log' } }),
    ],
    ['the target of another file', JSON.stringify(record({ target: 'compose' }))],
    ['no digest', JSON.stringify({ ...record(), digest: undefined })],
  ])('%s', async (_what, text) => {
    await records.put(record({ name: 'whole', folder: '/else' }))
    writeFileSync(join(root, 'notes.json'), text)
    expect(await names()).toEqual(['whole'])
    await expect(records.of('notes')).rejects.toThrow(/there is no deployment "notes"/)
    // It can be deployed again, and then is one.
    await records.require('notes', '/anywhere')
    await records.put(record())
    expect(await names()).toEqual(['notes', 'whole'])
  })

  it('files of others in the folder are passed over', async () => {
    await records.put(record())
    for (const name of ['README', 'a.txt', '.notes.json.0', '-.json', '.json', 'A.json'])
      writeFileSync(join(root, name), JSON.stringify(record()))
    mkdirSync(join(root, 'folder.json'))
    expect(await names()).toEqual(['notes'])
  })
})

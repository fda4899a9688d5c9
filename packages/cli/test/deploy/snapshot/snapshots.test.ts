import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { parseDeploymentFile } from '../../../src/deploy/file/index.ts'
import type { Prepared } from '../../../src/deploy/prepare.ts'
import { openSnapshots, type Snapshots } from '../../../src/deploy/snapshot/snapshots.ts'

const SECRET = 'hunter2-hunter2'
const tar = utf8('an archive')
const code = { tar, sha256: toHex(crypto.sha256(tar)), files: 1 }
const APP = 'app: {code: ./app, command: run, secrets: {KEY: {env: KEY}}}'

let state: string
let snapshots: Snapshots
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'sotto-snapshots-'))
  onTestFinished(() => rmSync(state, { recursive: true }))
  snapshots = openSnapshots(state)
})

const digestOf = (n: number): string => toHex(crypto.sha256(utf8(`${n}`)))
const place = (digest: string, file: string): string => join(state, 'deployments', digest, file)
function prepared(n: number, hasApp = true): Prepared {
  return {
    file: parseDeploymentFile(
      `name: notes\n${hasApp ? APP : ''}\nresources: {replicas: ${n}}`,
      '/notes/sotto.yaml',
    ),
    code: hasApp ? code : undefined,
    secrets: hasApp ? utf8(SECRET) : undefined,
    digest: digestOf(n),
  }
}
const digests = async (): Promise<string[]> => (await snapshots.history()).entries.map(({ digest }) => digest)
const folders = (): string[] =>
  readdirSync(join(state, 'deployments')).filter((name) => name !== 'history.json')
const unknown = expect.objectContaining({ code: 'DEPLOY_UNKNOWN', action: 'fix-input' }) as Error

describe('what was deployed', () => {
  it('comes back as it was, with its code and without its secrets, readable by its owner alone', async () => {
    for (const one of [prepared(1), prepared(2, false)]) {
      await snapshots.keep(one)
      expect(await snapshots.read(one.digest)).toEqual({
        // What is undefined is left out of JSON, and is undefined again.
        file: JSON.parse(JSON.stringify(one.file)) as unknown,
        code: one.code,
      })
    }
    const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    expect(files.length).toBe(3)
    for (const { parentPath, name } of files) {
      expect(readFileSync(join(parentPath, name)).includes(SECRET)).toBe(false)
      expect(statSync(join(parentPath, name)).mode & 0o777).toBe(0o600)
      expect(statSync(parentPath).mode & 0o777).toBe(0o700)
    }
  })

  it('is kept five deep, the newest last; what is deployed again is the newest, once', async () => {
    for (const n of [1, 2, 3, 4, 5, 6, 7]) {
      await snapshots.keep(prepared(n))
      await snapshots.arrived(digestOf(n), n)
    }
    expect(await digests()).toEqual([3, 4, 5, 6, 7].map(digestOf))
    expect(folders().sort()).toEqual([3, 4, 5, 6, 7].map(digestOf).sort())
    await expect(snapshots.read(digestOf(2))).rejects.toThrow(unknown)
    await snapshots.arrived(digestOf(4), 8)
    expect((await snapshots.history()).entries).toEqual(
      [3, 5, 6, 7].map((n) => ({ digest: digestOf(n), at: n })).concat({ digest: digestOf(4), at: 8 }),
    )
  })

  it('that never came to run is forgotten when something else does', async () => {
    await snapshots.keep(prepared(1))
    await snapshots.arrived(digestOf(1), 1)
    await snapshots.keep(prepared(2))
    expect(folders()).toHaveLength(2)
    await snapshots.keep(prepared(3))
    await snapshots.arrived(digestOf(3), 3)
    expect(await digests()).toEqual([digestOf(1), digestOf(3)])
    expect(folders().sort()).toEqual([digestOf(1), digestOf(3)].sort())
  })

  it('is whole or not there when a process was killed half way', async () => {
    const { digest } = prepared(1)
    mkdirSync(join(state, 'deployments', digest), { recursive: true })
    writeFileSync(place(digest, '.code.tar.9b1d'), 'half of')
    writeFileSync(place(digest, 'code.tar'), tar)
    await expect(snapshots.read(digest)).rejects.toThrow(unknown)
    expect(await digests()).toEqual([])
    await snapshots.keep(prepared(1))
    expect((await snapshots.read(digest)).code).toEqual(code)
  })

  it('by two at once is what one of them deployed', async () => {
    await Promise.all([1, 2, 3].map((n) => snapshots.keep(prepared(n))))
    await Promise.all([1, 1, 1].map((n) => snapshots.keep(prepared(n))))
    expect((await snapshots.read(digestOf(1))).code).toEqual(code)
    await Promise.all([1, 2].map((n) => snapshots.arrived(digestOf(n), n)))
    const left = await digests()
    expect(left.length).toBeGreaterThan(0)
    for (const digest of left) expect([digestOf(1), digestOf(2)]).toContain(digest)
  })
})

describe('a damaged snapshot is none', () => {
  const damages: [string, (digest: string) => void][] = [
    ['without its description', (digest) => rmSync(place(digest, 'deployment.json'))],
    ['with half a description', (digest) => writeFileSync(place(digest, 'deployment.json'), '{"file":{"na')],
    ['with another kind of JSON', (digest) => writeFileSync(place(digest, 'deployment.json'), '[null]')],
    ['with null', (digest) => writeFileSync(place(digest, 'deployment.json'), 'null')],
    ['without a file', (digest) => writeFileSync(place(digest, 'deployment.json'), '{}')],
    [
      'with an unknown target',
      (digest) =>
        writeFileSync(
          place(digest, 'deployment.json'),
          readFileSync(place(digest, 'deployment.json'), 'utf8').replace('"local"', '"mars"'),
        ),
    ],
    [
      'with an app that lost its code',
      (digest) =>
        writeFileSync(
          place(digest, 'deployment.json'),
          readFileSync(place(digest, 'deployment.json'), 'utf8').replace(/,"code":\{"sha256.*\}\}$/, '}'),
        ),
    ],
    ['without its code', (digest) => rmSync(place(digest, 'code.tar'))],
    ['with one byte of code changed', (digest) => writeFileSync(place(digest, 'code.tar'), 'an archivf')],
    ['with one byte of code more', (digest) => writeFileSync(place(digest, 'code.tar'), 'an archive\0')],
  ]
  it.each(damages)('%s', async (_what, damage) => {
    const { digest } = prepared(1)
    await snapshots.keep(prepared(1))
    damage(digest)
    await expect(snapshots.read(digest)).rejects.toThrow(unknown)
  })

  it.each([
    '',
    '..',
    '../keys',
    'a'.repeat(63),
    `${'a'.repeat(64)}/..`,
    'A'.repeat(64),
    `${'a'.repeat(64)}\n`,
  ])('a digest that is none, %j, reaches no folder', async (digest) => {
    await expect(snapshots.read(digest)).rejects.toThrow(unknown)
    await expect(snapshots.keep({ ...prepared(1), digest })).rejects.toThrow(unknown)
    expect(existsSync(join(state, 'deployments'))).toBe(false)
  })

  it.each([
    ['half of one', '{"entries":[{"dig'],
    ['null', 'null'],
    ['no list', '{"entries":{}}'],
    ['nothing in it', '{}'],
  ])('a damaged history, %s, is none', async (_what, text) => {
    await snapshots.keep(prepared(1))
    writeFileSync(join(state, 'deployments', 'history.json'), text)
    expect(await digests()).toEqual([])
    await snapshots.arrived(digestOf(1), 1)
    expect(await digests()).toEqual([digestOf(1)])
  })

  it('entries of a history that are none are left out', async () => {
    const entries = [
      null,
      1,
      { digest: '../x', at: 1 },
      { digest: [digestOf(1)], at: 1 },
      { digest: digestOf(2) },
      { digest: digestOf(3), at: 3 },
    ]
    mkdirSync(join(state, 'deployments'))
    writeFileSync(join(state, 'deployments', 'history.json'), JSON.stringify({ entries }))
    expect(await digests()).toEqual([digestOf(3)])
  })
})

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReleaseFailure } from '../../scripts/release/failure.ts'
import { componentsOf } from '../../scripts/release/components.ts'
import type { BuiltImage } from '../../scripts/release/image.ts'
import { createKey, openKey } from '../../scripts/release/key.ts'
import { parseOptions, type ReleaseOptions } from '../../scripts/release/options.ts'
import { readSource } from '../../scripts/release/source.ts'
import { readReported, releaseStatement } from '../../scripts/release/statements.ts'
import { writeTar } from '../../scripts/release/tar.ts'

const root = resolve(import.meta.dirname, '../..')
let work: string
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'sotto-refusals-'))
})
afterAll(() => rmSync(work, { recursive: true }))
const parse = (...args: string[]): ReleaseOptions => parseOptions(args, root, work)!

describe('the command line', () => {
  it.each([
    ['an unknown flag', ['--fast']],
    ['an unknown role', ['--role', 'relay']],
    ['two ways to a key', ['--key', 'a', '--new-key', 'b']],
    ['a version that goes down', ['--security-version', '-1']],
    ['a version that a shell left empty', ['--security-version', '']],
    ['a version that is no plain number', ['--security-version', '0x10']],
    ['a log without a token', ['--log', 'http://log', '--key', 'a', '--policy', 'p']],
    [
      'a log without a policy to prove it by',
      ['--log', 'http://log', '--key', 'a', '--append-token-file', 't'],
    ],
    ['a log without a key', ['--log', 'http://log', '--policy', 'p', '--append-token-file', 't']],
    ['a configuration of hardware', ['--configuration', 'kms=file']],
  ])('is refused with %s', (_what, args) => {
    expect(() => parse(...args)).toThrow(ReleaseFailure)
  })

  it('takes every role for hardware when nothing is said', () => {
    expect(parse()).toMatchObject({ roles: ['kms', 'inference', 'room'], flavour: 'release', check: false })
  })
})

describe('the release key', () => {
  it('is never replaced', () => {
    const file = join(work, 'key')
    const { publicKey } = createKey(file)
    expect(openKey(file).publicKey).toEqual(publicKey)
    expect(() => createKey(file)).toThrow(/cannot make the key/)
    expect(openKey(file).publicKey).toEqual(publicKey)
  })

  it('is refused when others can read it, and never quoted', () => {
    const file = join(work, 'open')
    writeFileSync(file, 'a-secret-that-is-no-seed\n', { mode: 0o600 })
    expect(() => openKey(file)).toThrow(/holds no Ed25519 seed/)
    expect(() => openKey(file)).not.toThrow(/a-secret/)
    chmodSync(file, 0o640)
    expect(() => openKey(file)).toThrow(/others can read/)
    expect(() => openKey(join(work, 'missing'))).toThrow(/ENOENT/)
    expect(() => openKey('/dev/zero')).toThrow(ReleaseFailure)
  })
})

describe('what hardware reports', () => {
  const given = (value: unknown): ReturnType<typeof readReported> => {
    const evidence = join(work, 'evidence.json')
    writeFileSync(evidence, typeof value === 'string' ? value : JSON.stringify(value))
    return readReported(parse('--evidence', evidence), new Map([['kms', 'ab'.repeat(32)]]))
  }
  const snp = { family: 'sev-snp', measurements: ['ab'.repeat(48)], hostData: ['cd'.repeat(32)] }
  const kms = { configuration: 'cd'.repeat(32), evidence: snp }
  const statement = (reported: typeof kms, role: 'kms' | 'inference' = 'kms'): unknown =>
    releaseStatement({
      role,
      digest: 'ab'.repeat(32),
      version: '1',
      securityVersion: 1,
      reported: reported as never,
      createdAt: 1,
    })

  it('stands in the statement as it was given', () => {
    expect(given({ kms }).get('kms')).toEqual(kms)
    const dataUse = { tasks: [], retentionSeconds: 0, training: false }
    // A KMS declares that it gets no content, whoever says nothing about it.
    expect(statement(kms)).toMatchObject({ predicate: { evidence: snp, dataUse } })
    expect(statement(given({ kms: { ...kms, dataUse } }).get('kms') as typeof kms)).toMatchObject({
      predicate: { dataUse },
    })
  })

  it('may name the app of a workload, and none of a KMS', () => {
    const app = { name: 'summaries', sha256: 'a9'.repeat(32) }
    const reported = given({ kms: { ...kms, app } }).get('kms') as typeof kms
    expect(reported).toEqual({ ...kms, app })
    expect(statement(reported, 'inference')).toMatchObject({ predicate: { role: 'inference', app } })
    expect(() => statement(reported)).toThrow(/a KMS runs no app/)
  })

  it.each([
    ['no JSON', '{'],
    ['a list', []],
    ['an unknown role', { relay: kms }],
    ['a data use nobody knows', { kms: { ...kms, dataUse: { tasks: ['dreams'] } } }],
    ['an app without its digest', { kms: { ...kms, app: { name: 'summaries' } } }],
    ['a short digest', { kms: { ...kms, configuration: 'cd' } }],
    ['an unknown member', { kms: { ...kms, more: 1 } }],
    ['a role twice', `{"kms":${JSON.stringify(kms)},"kms":${JSON.stringify(kms)}}`],
  ])('is refused with %s', (_what, value) => {
    expect(() => given(value)).toThrow(ReleaseFailure)
  })

  it.each([
    ['it pins no program', { ...snp, measurements: undefined }],
    ['its configuration is another', { ...snp, hostData: ['ef'.repeat(32)] }],
    ['nobody knows the family', { ...snp, family: 'abacus' }],
    ['it says more than a release may', { ...snp, vcek: 'x' }],
  ])('makes no statement when %s', (_why, evidence) => {
    expect(() => statement({ ...kms, evidence: JSON.parse(JSON.stringify(evidence)) as typeof snp })).toThrow(
      /makes no release statement/,
    )
  })
})

describe('the source', () => {
  it('is every file that decides about an image, the settings of the compiler too', () => {
    const folder = join(work, 'source')
    const files = [
      'package.json',
      'package-lock.json',
      'parts/rooms/package-lock.json',
      'tsconfig.json',
      'packages/kms/src/a.ts',
      'packages/kms/package.json',
      'scripts/build.ts',
      'scripts/build/files.ts',
    ]
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), 'x')
    }
    const { digest, commit } = readSource(folder)
    expect(commit).toBeUndefined()
    for (const file of files) {
      writeFileSync(join(folder, file), 'y')
      expect(readSource(folder).digest, file).not.toBe(digest)
      writeFileSync(join(folder, file), 'x')
    }
    mkdirSync(join(folder, 'packages/kms/test'))
    writeFileSync(join(folder, 'packages/kms/test/a.test.ts'), 'x')
    expect(readSource(folder).digest).toBe(digest)
  })
})

describe('the commit of a source', () => {
  it('is not named for a file that git ignores, and that is built all the same', () => {
    const folder = join(work, 'tracked')
    mkdirSync(join(folder, 'packages/kms/src'), { recursive: true })
    for (const file of ['package.json', 'packages/kms/package.json', 'packages/kms/src/a.ts'])
      writeFileSync(join(folder, file), 'x')
    const git = (...args: string[]): void =>
      void execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@example', ...args])
    git('init', '-q')
    git('add', '.')
    git('commit', '-q', '-m', 'first')
    expect(readSource(folder)).toMatchObject({
      commit: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
      changed: [],
    })
    writeFileSync(join(folder, '.git/info/exclude'), 'hidden.ts\n')
    writeFileSync(join(folder, 'packages/kms/src/hidden.ts'), 'x')
    const source = readSource(folder)
    expect(source.commit).toBeUndefined()
    expect(source.changed).toEqual(['packages/kms/src/hidden.ts'])
  })

  it('is asked for without running what the checkout configures', () => {
    const folder = join(work, 'hostile')
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), 'x')
    const git = (...args: string[]): void => void execFileSync('git', ['-C', folder, ...args])
    git('init', '-q')
    git('add', '.')
    git('-c', 'user.name=a', '-c', 'user.email=a@example', 'commit', '-q', '-m', 'first')
    const trace = join(work, 'ran')
    writeFileSync(join(work, 'monitor'), `#!/bin/sh\ntouch '${trace}'\n`, { mode: 0o755 })
    git('config', 'core.fsmonitor', join(work, 'monitor'))
    readSource(folder)
    expect(existsSync(trace)).toBe(false)
  })
})

describe('what is in an image', () => {
  const integrity = `sha512-${'A'.repeat(86)}==`
  const image = (role: 'inference' | 'room', ...folders: string[]): BuiltImage => ({
    role,
    folder: '',
    digest: '',
    metafile: { inputs: {}, outputs: {} },
    entries: folders.map((folder) => ({ path: `${folder}/a.js`, mode: 0o644, sha256: 'ab'.repeat(32) })),
  })
  /** Writes packages and the lock file that names them. */
  function install(place: string, packages: Record<string, string>): void {
    for (const [name, version] of Object.entries(packages)) {
      mkdirSync(join(place, 'node_modules', name), { recursive: true })
      const manifest = { name, version, license: 'MIT' }
      writeFileSync(join(place, 'node_modules', name, 'package.json'), JSON.stringify(manifest))
    }
    const locked = Object.entries(packages).map(([name, version]) => [
      `node_modules/${name}`,
      { version, integrity },
    ])
    writeFileSync(
      join(place, 'package-lock.json'),
      JSON.stringify({ packages: Object.fromEntries(locked) as object }),
    )
  }

  it('comes from the checkout, and in a room from its part besides', () => {
    const folder = mkdtempSync(join(work, 'components-'))
    install(folder, { ours: '1.0.0' })
    const found = (...args: Parameters<typeof image>): string[] =>
      componentsOf(folder, image(...args)).map(({ name, version }) => `${name}@${version}`)
    const both = ['node_modules/ours', 'node_modules/@duckdb/node-api']
    expect(found('inference', both[0]!)).toEqual(['ours@1.0.0'])
    install(join(folder, 'parts/rooms'), { '@duckdb/node-api': '2.0.0' })
    expect(found('room', ...both)).toEqual(['@duckdb/node-api@2.0.0', 'ours@1.0.0'])
    expect(() => found('inference', ...both)).toThrow(/the lock file names none/)
  })
})

describe('an archive', () => {
  it('is refused when a file was changed after it was measured, at the same length too', async () => {
    const folder = mkdtempSync(join(work, 'image-'))
    const file = join(folder, 'role.js')
    const sha256 = createHash('sha256').update('genuine').digest('hex')
    const entries = [{ path: 'role.js', mode: 0o644, sha256, size: 7 }]
    writeFileSync(file, 'genuine')
    await writeTar(folder, entries, join(work, 'good.tar'))
    writeFileSync(file, 'hostile')
    await expect(writeTar(folder, entries, join(work, 'bad.tar'))).rejects.toThrow(
      /changed between measuring and packing/,
    )
  })
})

it('is described where the packages are', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  expect(scripts['release:build']).toBe('node scripts/bootstrap.mjs release:build')
})

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { consoleReleaseDecoder } from '@sotto/protocol/console-release'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { decodeDocument, PAYLOAD_TYPES, releaseStatementDecoder } from '@sotto/protocol/keyrelease'
import { encodeManifest, softwareMeasurement } from '@sotto/protocol/measurement'
import { verifyProvenance, verifySbom } from '@sotto/verifier/provenance'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { measureImage } from '../../packages/cli/src/software-tee/measure.ts'
import { parseManifest } from '../../packages/cli/src/console/manifest.ts'
import { type RunResult, runInMemory } from '../../packages/cli/test/support/memory-io.ts'
import { createMemoryStore } from '../../packages/edge/test/log/memory-store.ts'
import { openUnbound, threeWitnesses } from '../../packages/edge/test/log/parties.ts'
import { comparePages, compareRole } from '../../scripts/release/again.ts'
import { openLog } from '../../scripts/release/publish.ts'
import { claim } from '../claims.ts'
import { type Build, copyCheckout, releaseBuild } from './checkout.ts'
import { cyclonedxProblems } from './cyclonedx.ts'
import { writeLogFiles, writePolicy } from './log.ts'

let work: string
let checkout: string
let out: string
let built: Build
let digest: string
const witnesses = threeWitnesses()
const log = openUnbound(createMemoryStore(), witnesses)
let server: RunningServer
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(out, name)))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const key = (): Uint8Array => fromBase64Url(/release key (\S+)/.exec(built.stderr)![1]!)

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'sotto-release-'))
  checkout = join(work, 'checkout')
  out = join(work, 'out')
  copyCheckout(checkout)
  writeFileSync(join(work, 'kms.json'), '{"listen":"127.0.0.1"}')
  server = await startServer(log.app, { host: '127.0.0.1', port: 0, drainMs: 100 })
  const { policy, tokenFile } = await writeLogFiles(work, witnesses)
  // One role: the others take the same way with more bytes.
  built = await releaseBuild(
    checkout,
    '--out',
    out,
    '--role',
    'kms',
    '--role',
    'console',
    '--software',
    '--check',
    '--new-key',
    join(work, 'release.key'),
    '--configuration',
    `kms=${join(work, 'kms.json')}`,
    '--log',
    server.url,
    '--append-token-file',
    tokenFile,
    '--policy',
    policy,
  )
  digest = fromUtf8(read('kms/measurement')).trim()
}, 300_000)
afterAll(async () => {
  log.publisher.stop()
  await server.close()
  rmSync(work, { recursive: true, force: true })
})

describe('release:build', () => {
  it(
    claim(
      'release.reproducible',
      'builds every byte the same from a copy elsewhere, under another umask, language and time',
    ),
    () => {
      expect(built.stderr).toContain('built again elsewhere: every byte is the same')
      expect(built.status).toBe(0)
      expect(built.stdout).toBe(`kms  ${digest}\nconsole  ${sha256(read('console/SHA256SUMS'))}\n`)
    },
  )

  it(
    claim('release.reproducible', 'notices one byte that differs, in whatever of the two builds it is'),
    async () => {
      const other = join(work, 'other')
      cpSync(out, other, { recursive: true })
      expect(await compareRole('kms', out, other)).toEqual([])
      for (const [name, found] of [
        ['manifest', expect.stringContaining('bin/node') as string],
        ['image.tar', 'kms: image.tar differs'],
        ['sbom.cdx.json', 'kms: sbom.cdx.json differs'],
        ['provenance.intoto.json', 'kms: provenance.intoto.json differs'],
      ] as const) {
        const file = join(other, 'kms', name)
        const same = readFileSync(file, 'latin1')
        // The last digit of the first digest in it; the archive has none, and starts with a name.
        const changed = same.replace(name === 'image.tar' ? /^./ : /(?<=[0-9a-f]{63})[0-9a-f]/, (digit) =>
          digit === '0' ? '1' : '0',
        )
        writeFileSync(file, changed, 'latin1')
        expect(await compareRole('kms', out, other), name).toEqual([found])
        writeFileSync(file, same, 'latin1')
      }
    },
  )

  it(claim('T21.verify', 'signs the digest of the web pages, every file of which is listed'), () => {
    const manifest = read('console/SHA256SUMS')
    for (const [name, digest] of parseManifest(fromUtf8(manifest)))
      expect(sha256(read(`console/pages/${name}`)), name).toBe(digest)
    const { payload } = verifyDsse(parseDsse(read('console/release.dsse.json')), PAYLOAD_TYPES.release, [
      key(),
    ])
    expect(decodeDocument(payload, consoleReleaseDecoder)).toMatchObject({
      subject: [{ name: 'console', digest: { sha256: sha256(manifest) } }],
      predicate: { version: '0.1.0', securityVersion: 1 },
    })
    const other = join(work, 'other pages')
    mkdirSync(join(other, 'console'), { recursive: true })
    writeFileSync(join(other, 'console/SHA256SUMS'), fromUtf8(manifest).replace(/^./, 'x'))
    expect(comparePages(out, other)).toEqual([`console: ${/ {2}(\S+)/.exec(fromUtf8(manifest))![1]} differs`])
  })

  it('packs exactly what is measured, with no owner and no time', async () => {
    const place = join(work, 'unpacked')
    mkdirSync(place)
    expect(spawnSync('tar', ['-xf', join(out, 'kms/image.tar'), '-C', place]).status).toBe(0)
    const { entries, digest: measured } = await measureImage(place)
    expect(measured).toBe(digest)
    expect(fromUtf8(encodeManifest(entries))).toBe(fromUtf8(read('kms/manifest')))
    const listing = spawnSync('tar', ['--numeric-owner', '--utc', '-tvf', join(out, 'kms/image.tar')], {
      encoding: 'utf8',
    }).stdout
    expect(
      listing
        .trim()
        .split('\n')
        .map((line) => line.replace(/ +\d+ 1970-01-01 00:00 /, ' | ')),
    ).toEqual(['-rwxr-xr-x 0/0 | bin/node', '-rw-r--r-- 0/0 | package.json', '-rw-r--r-- 0/0 | role.js'])
  })

  it('lists in CycloneDX what is in the bundle, and Node, with versions, licences and digests', () => {
    const sbom = JSON.parse(fromUtf8(read('kms/sbom.cdx.json'))) as Sbom
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 })
    expect(sbom.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(sbom.serialNumber.slice(9, 17)).toBe(digest.slice(0, 8))
    const names = sbom.components.map(({ purl }) => purl)
    const { version } = JSON.parse(
      readFileSync(join(checkout, 'node_modules/hono/package.json'), 'utf8'),
    ) as { version: string }
    expect(names).toContain(`pkg:npm/hono@${version}`)
    expect(names.some((name) => name.startsWith('pkg:npm/onnxruntime-node'))).toBe(false)
    for (const { licenses, hashes } of sbom.components) {
      expect(licenses).toHaveLength(1)
      expect(hashes).toEqual([
        { alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as string },
      ])
    }
    const node = sbom.components.find(({ name }) => name === `node-linux-${process.arch}`)!
    const [, sha] = /^755 ([0-9a-f]{64}) bin\/node$/m.exec(fromUtf8(read('kms/manifest')))!
    expect(node.components).toEqual([
      {
        type: 'file',
        'bom-ref': 'file:bin/node',
        name: 'bin/node',
        hashes: [{ alg: 'SHA-256', content: sha }],
      },
    ])
    expect(cyclonedxProblems(sbom), 'by the schema of CycloneDX 1.6').toEqual([])
    const refs = sbom.components.map((one) => one['bom-ref'])
    expect(new Set(refs).size).toBe(refs.length)
    expect(sbom.dependencies[0]!.dependsOn).toEqual([...refs].sort())
    expect(JSON.stringify(sbom)).not.toMatch(/timestamp|\d{4}-\d\d-\d\dT/)
  })

  it('signs provenance of the image, its archive and its bill of materials', () => {
    const provenance = verifyProvenance(read('kms/provenance.dsse.json'), digest, { builderKeys: [key()] })
    expect(provenance.subject).toEqual([
      { name: 'image', digest: { sha256: digest } },
      { name: 'image.tar', digest: { sha256: sha256(read('kms/image.tar')) } },
    ])
    const dependencies = provenance.predicate.buildDefinition.resolvedDependencies
    expect(dependencies.map(({ name }) => name)).toEqual(['source', 'package-lock.json', 'node', 'esbuild'])
    expect(dependencies[1]!.digest['sha256']).toBe(
      sha256(new Uint8Array(readFileSync(join(checkout, 'package-lock.json')))),
    )
    expect(() =>
      verifySbom(read('kms/sbom.dsse.json'), read('kms/sbom.cdx.json'), digest, [key()]),
    ).not.toThrow()
  })

  it('signs what the software TEE will report of this image and configuration', () => {
    const { payload } = verifyDsse(parseDsse(read('kms/release.dsse.json')), PAYLOAD_TYPES.release, [key()])
    const configuration = sha256(new Uint8Array(readFileSync(join(work, 'kms.json'))))
    expect(decodeDocument(payload, releaseStatementDecoder)).toMatchObject({
      subject: [{ digest: { sha256: digest } }, { digest: { sha256: configuration } }],
      predicate: {
        role: 'kms',
        evidence: {
          family: 'software',
          measurements: [softwareMeasurement(digest)],
          hostData: [configuration],
        },
      },
    })
    const release = JSON.parse(fromUtf8(read('release.json'))) as {
      roles: { kms: { statements: { release: { envelope: string } } } }
    }
    expect(utf8(release.roles.kms.statements.release.envelope)).toEqual(read('kms/release.dsse.json'))
  })

  it('keeps the key to its owner and prints the public half only', () => {
    const file = join(work, 'release.key')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const seed = readFileSync(file, 'utf8').trim()
    expect(built.stdout + built.stderr).not.toContain(seed)
    for (const name of ['release.json', 'kms/provenance.dsse.json', 'kms/release.dsse.json'])
      expect(fromUtf8(read(name))).not.toContain(seed)
  })

  it(
    claim('chain.measurement', 'logs release, bill of materials and provenance, and says as which entries'),
    async () => {
      const entries: string[] = []
      const reader = openLog({ url: server.url, ...(await writeLogFiles(work, witnesses)) })
      const checkpoint = await reader.latest()
      for await (const { entry } of reader.entries(0, checkpoint.size, checkpoint))
        entries.push(fromUtf8(entry))
      const { roles, console: pages } = JSON.parse(fromUtf8(read('release.json'))) as Logged
      const logged = [
        pages.statements.release,
        ...['release', 'provenance', 'sbom'].map((name) => roles.kms.statements[name]!),
      ]
      expect(logged.map(({ index }) => index)).toEqual([0, 1, 2, 3])
      expect(logged.map(({ envelope }) => envelope)).toEqual(entries)
      for (const name of ['release', 'sbom', 'provenance'])
        expect(built.stderr).toContain(
          `logged ${name} of kms as entry ${roles.kms.statements[name]!.index}\n`,
        )
    },
  )

  it(
    claim(
      'release.reproducible',
      'is what sotto verify --source builds from the same source, and names the file that another letter changes',
    ),
    async () => {
      const policy = await writePolicy(work, witnesses, { releaseKeys: [toBase64Url(key())] })
      const verify = (): Promise<RunResult> =>
        runInMemory(
          commands,
          [
            'verify',
            '--source',
            checkout,
            '--release',
            join(out, 'release.json'),
            '--policy',
            policy,
            '--yes',
          ],
          { cwd: work, env: { PATH: process.env['PATH']! } },
        )
      const same = await verify()
      expect(same, same.stderr).toMatchObject({ code: 0 })
      expect(same.stdout).toContain('the source builds exactly what is released\n')
      const file = join(checkout, 'packages/kms/src/main.software.ts')
      const source = readFileSync(file, 'utf8')
      writeFileSync(file, `${source}\nglobalThis.performance.mark('x')\n`)
      const { code, stdout } = await verify()
      writeFileSync(file, source)
      expect(code).toBe(5)
      expect(stdout).toContain('the source builds another image: role.js has other bytes')
      expect(stdout).toContain(`expected: ${digest}\n`)
    },
  )
})

interface Logged {
  roles: { kms: { statements: Record<string, { envelope: string; index: number }> } }
  console: { statements: { release: { envelope: string; index: number } } }
}
interface Sbom {
  serialNumber: string
  components: {
    'bom-ref': string
    name: string
    purl: string
    licenses: unknown[]
    hashes: unknown
    components?: unknown
  }[]
  dependencies: { ref: string; dependsOn?: string[] }[]
}

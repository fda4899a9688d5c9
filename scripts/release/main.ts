/**
 * `npm run release:build`: measured images, reproducibly, with bill of materials and provenance, signed and logged.
 * Everything but the signatures depends on nothing but the checkout: `--check` proves it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import type { PreparedSigner } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import type { SbomStatement } from '@sotto/protocol/provenance'
import { installPart, ROOMS_PART } from '../build/parts.ts'
import { buildAgain, changedMeanwhile } from './again.ts'
import { componentsOf, nodePackage, sha256Of } from './components.ts'
import { ReleaseFailure } from './failure.ts'
import { type BuiltImage, makeImage, packImage } from './image.ts'
import { createKey, openKey } from './key.ts'
import { parseOptions, type ReleaseOptions, type RoleName, USAGE } from './options.ts'
import { makePages, type PagesEntry, signPages } from './pages.ts'
import { describeBuild } from './provenance.ts'
import { openLog, publish } from './publish.ts'
import { renderSbom } from './sbom.ts'
import { readSource, type Source } from './source.ts'
import {
  type Envelopes,
  readReported,
  releaseStatement,
  type Reported,
  signStatements,
} from './statements.ts'

const root = resolve(import.meta.dirname, '../..')
const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** One role as `release.json` describes it. */
interface RoleEntry {
  /** SHA-256 of the manifest. */
  measurement: string
  /** SHA-256 of `image.tar` and `sbom.cdx.json`. */
  image: string
  sbom: string
  /** Envelopes, and their indices in the log. */
  statements?: { [Name in keyof Envelopes]?: { envelope: string; index?: number } }
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), root, process.cwd())
  if (options === undefined) {
    console.log(USAGE)
    return 0
  }
  if (!existsSync(join(root, nodePackage(), 'bin/node')))
    throw new ReleaseFailure(
      `npm has not installed ${nodePackage()}`,
      'run npm ci: a release carries that very Node',
    )
  const signer =
    options.newKey !== undefined ? createKey(options.newKey) : options.key && openKey(options.key)
  if (signer) say(`release key ${toBase64Url(signer.publicKey)}`)
  mkdirSync(options.out, { recursive: true })
  // A room of a release has all it can have: what is built must not depend on what somebody installed before.
  if (options.roles.includes('room')) installPart(join(root, ROOMS_PART))

  const source = readSource(root)
  if (source.commit === undefined)
    say(
      `warning: no commit names this source${source.changed.length > 0 ? `: changed ${source.changed[0]}` : ''}`,
    )
  const images = []
  for (const role of options.roles) images.push(await makeImage(options.out, role, options.flavour))
  const pages: PagesEntry | undefined = options.console ? { pages: await makePages(options.out) } : undefined
  if (readSource(root).digest !== source.digest) throw changedMeanwhile()
  if (options.imagesOnly) {
    for (const { role, digest } of images) console.log(`${role}  ${digest}`)
    return 0
  }
  const version = options.version ?? productVersion()
  const reported = readReported(options, new Map(images.map(({ role, digest }) => [role, digest])))
  const entries = new Map<RoleName, RoleEntry>()
  const signed = new Map<RoleName, Envelopes>()
  for (const image of images) {
    const described = await describe(image, options, version, source)
    entries.set(image.role, described.entry)
    if (!signer) continue
    const release = releaseOf(image, options, version, source, reported.get(image.role))
    if (release === undefined)
      say(`warning: no release statement for ${image.role}: say what hardware reports with --evidence`)
    signed.set(image.role, signStatements(signer, { ...described, ...(release && { release }) }))
  }
  for (const [role, envelopes] of signed) keep(options.out, role, envelopes, entries.get(role)!)
  if (pages && signer) keepPages(options, pages, signer, version, createdAt(source))
  const write = (): void => writeRelease(options, version, source, entries, pages)
  write()
  if (options.log) {
    const log = openLog(options.log)
    const release = pages?.statements?.release
    if (release) {
      release.index = await publish(log, utf8(release.envelope), 'release of console')
      say(`logged release of console as entry ${release.index}`)
      write()
    }
    for (const [role, envelopes] of signed)
      for (const [name, envelope] of Object.entries(envelopes) as [keyof Envelopes, Uint8Array][]) {
        const index = await publish(log, envelope, `${name} of ${role}`)
        entries.get(role)!.statements![name]!.index = index
        say(`logged ${name} of ${role} as entry ${index}`)
        // At once: what is logged must not be forgotten because the next append fails.
        write()
      }
  }
  for (const [role, { measurement }] of entries) console.log(`${role}  ${measurement}`)
  if (pages) console.log(`console  ${pages.pages}`)
  return options.check ? check(options, source) : 0
}

/** Archive, bill of materials and provenance of one image. */
async function describe(
  image: BuiltImage,
  options: ReleaseOptions,
  version: string,
  source: Source,
): Promise<{ entry: RoleEntry; provenance: ReturnType<typeof describeBuild>; sbom: SbomStatement }> {
  const place = join(options.out, image.role)
  const components = componentsOf(root, image)
  writeFileSync(join(place, 'sbom.cdx.json'), renderSbom(image, components, version), { mode: 0o644 })
  const sbom = sha256Of(join(place, 'sbom.cdx.json'))
  const tar = await packImage(image)
  const provenance = describeBuild({
    root,
    image,
    flavour: options.flavour,
    source,
    components,
    tar,
    sbom,
  })
  writeFileSync(join(place, 'provenance.intoto.json'), encodeDocument(provenance), { mode: 0o644 })
  return {
    entry: { measurement: image.digest, image: tar, sbom },
    provenance,
    sbom: { version: 1, image: image.digest, sbom, format: 'CycloneDX 1.6' },
  }
}

function releaseOf(
  { role, digest }: BuiltImage,
  { securityVersion }: ReleaseOptions,
  version: string,
  source: Source,
  reported: Reported | undefined,
): ReturnType<typeof releaseStatement> | undefined {
  if (reported === undefined) return undefined
  const time = createdAt(source)
  return releaseStatement({ role, digest, version, securityVersion, reported, createdAt: time })
}

/** The commit's time, so that the same release signed twice is the same entry of the log. */
function createdAt({ commitTime }: Source): number {
  return commitTime ?? Math.floor(Date.now() / 1000)
}

function keepPages(
  { out, securityVersion }: ReleaseOptions,
  pages: PagesEntry,
  signer: PreparedSigner,
  version: string,
  time: number,
): void {
  const envelope = signPages(signer, pages.pages, { version, securityVersion, createdAt: time })
  writeFileSync(join(out, 'console', 'release.dsse.json'), envelope, { mode: 0o644 })
  pages.statements = { release: { envelope: fromUtf8(envelope) } }
}

/** Envelopes are on disk before any of them is in a log. */
function keep(out: string, role: RoleName, envelopes: Envelopes, entry: RoleEntry): void {
  entry.statements = {}
  for (const [name, envelope] of Object.entries(envelopes) as [keyof Envelopes, Uint8Array][]) {
    writeFileSync(join(out, role, `${name}.dsse.json`), envelope, { mode: 0o644 })
    entry.statements[name] = { envelope: fromUtf8(envelope) }
  }
}

function writeRelease(
  { out, flavour }: ReleaseOptions,
  version: string,
  source: Source,
  entries: ReadonlyMap<RoleName, RoleEntry>,
  pages: PagesEntry | undefined,
): void {
  const document = {
    format: 'sotto-release/1',
    version,
    flavour,
    arch: process.arch,
    source: { digest: source.digest, ...(source.commit && { commit: source.commit }) },
    roles: Object.fromEntries(entries),
    ...(pages && { console: pages }),
  }
  writeFileSync(join(out, 'release.json'), `${JSON.stringify(document, null, 2)}\n`, { mode: 0o644 })
}

async function check(options: ReleaseOptions, source: Source): Promise<number> {
  const started = performance.now()
  const differences = await buildAgain(root, options, source.digest)
  for (const difference of differences) say(`error: not reproducible: ${difference}`)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (differences.length === 0) say(`built again elsewhere: every byte is the same (${seconds} s)`)
  return differences.length === 0 ? 0 : 1
}

function productVersion(): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof ReleaseFailure)) throw error
  say(`error: ${error.message}\nhint: ${error.hint}`)
  process.exitCode = 2
}

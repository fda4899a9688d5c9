/**
 * The same build a second time, in every way that must not matter: from a copy of the checkout at another path, with
 * other times of files, another umask, language, time zone and home.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { firstDifference } from '@sotto/protocol/measurement'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import { provenanceStatementDecoder } from '@sotto/protocol/provenance'
import { ROOMS_PART } from '../build/parts.ts'
import { ReleaseFailure } from './failure.ts'
import { sha256File } from './image.ts'
import type { ReleaseOptions } from './options.ts'
import { readSource } from './source.ts'

/** What of a checkout a build reads. */
const COPIED = ['packages', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json']
/** Its optional parts, where it has any: their packages are linked like its own. */
const PARTS = 'parts'

/**
 * Builds again and compares manifests, archives, bills of materials and provenance.
 *
 * @param sourceDigest of what was built first
 * @returns every difference in words; none when the build is reproducible
 * @throws ReleaseFailure when somebody edits the checkout meanwhile
 */
export async function buildAgain(
  root: string,
  options: ReleaseOptions,
  sourceDigest: string,
): Promise<string[]> {
  // A long name with a space: nothing of it may end in an image.
  const place = mkdtempSync(join(tmpdir(), 'sotto another checkout '))
  try {
    const copy = join(place, 'nested', 'source')
    mkdirSync(copy, { recursive: true })
    for (const name of COPIED)
      cpSync(join(root, name), join(copy, name), { recursive: true, verbatimSymlinks: true })
    if (existsSync(join(root, PARTS)))
      cpSync(join(root, PARTS), join(copy, PARTS), {
        recursive: true,
        filter: (from) => basename(from) !== 'node_modules',
      })
    if (readSource(copy).digest !== sourceDigest) throw changedMeanwhile()
    linkModules(root, copy)
    if (options.roles.includes('room')) linkModules(join(root, ROOMS_PART), join(copy, ROOMS_PART))
    const out = join(place, 'out')
    runBuild(copy, out, options, place)
    const differences = await Promise.all(options.roles.map((role) => compareRole(role, options.out, out)))
    return [...differences.flat(), ...(options.console ? comparePages(options.out, out) : [])]
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** Installed packages, 800 MB of the checkout itself, as hard links where that works; links to the workspace stay relative. */
function linkModules(root: string, copy: string): void {
  const [from, to] = [join(root, 'node_modules'), join(copy, 'node_modules')]
  if (spawnSync('cp', ['-al', from, to]).status === 0) return
  rmSync(to, { recursive: true, force: true })
  cpSync(from, to, { recursive: true, verbatimSymlinks: true })
}

function runBuild(copy: string, out: string, options: ReleaseOptions, home: string): void {
  const args = [join(copy, 'scripts/release/main.ts'), '--out', out]
  if (options.version !== undefined) args.push('--version', options.version)
  for (const role of [...options.roles, ...(options.console ? ['console'] : [])]) args.push('--role', role)
  if (options.flavour === 'software') args.push('--software')
  const { status, stderr } = spawnSync('sh', ['-c', 'umask 077; exec "$0" "$@"', process.execPath, ...args], {
    cwd: home,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, LC_ALL: 'tr_TR.UTF-8', TZ: 'Pacific/Kiritimati' },
    maxBuffer: 1 << 24,
  })
  if (status !== 0) throw new Error(`the second build failed:\n${stderr}`)
}

/** What differs between two builds of a role, in words. */
export async function compareRole(role: string, first: string, second: string): Promise<string[]> {
  const differences: string[] = []
  const [a, b] = [first, second].map((out) => join(out, role))
  const manifests = [a!, b!].map((folder) => readFileSync(join(folder, 'manifest'), 'utf8'))
  const difference = firstDifference(manifests[0]!, manifests[1]!)
  if (difference !== undefined) differences.push(`${role}: ${difference.path} ${difference.kind}`)
  for (const name of ['image.tar', 'sbom.cdx.json']) {
    const [one, other] = [join(a!, name), join(b!, name)]
    if (!existsSync(other) || (await sha256File(one)) !== (await sha256File(other)))
      differences.push(`${role}: ${name} differs`)
  }
  const [one, other] = [a!, b!].map((folder) => withoutCommit(join(folder, 'provenance.intoto.json')))
  if (one !== other) differences.push(`${role}: provenance.intoto.json differs`)
  return differences
}

/** Files of the web pages that two builds do not have alike, by the lines of their manifests. */
export function comparePages(first: string, second: string): string[] {
  const [one, other] = [first, second].map((out) =>
    readFileSync(join(out, 'console/SHA256SUMS'), 'utf8').trim().split('\n'),
  ) as [string[], string[]]
  const differing = [
    ...one.filter((line) => !other.includes(line)),
    ...other.filter((line) => !one.includes(line)),
  ]
  return [...new Set(differing.map((line) => `console: ${line.slice(66)} differs`))]
}

/** The copy has the files of the commit and not its name: a digest of the source stands beside it in both. */
function withoutCommit(file: string): string {
  const statement = decodeDocument(readFileSync(file), provenanceStatementDecoder)
  for (const { digest } of statement.predicate.buildDefinition.resolvedDependencies)
    delete digest['gitCommit']
  return Buffer.from(encodeDocument(statement)).toString('utf8')
}

/** Two builds of two sources prove nothing. */
export function changedMeanwhile(): ReleaseFailure {
  return new ReleaseFailure(
    'the checkout was changed during the build',
    'build from a checkout that nobody edits',
  )
}

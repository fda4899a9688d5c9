/**
 * Layer check: who may import whom (ARCHITECTURE.md, "The house"). npm hoists every workspace, so
 * nothing else stops an undeclared import. Reads import specifiers of every source file.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** What each package may import of the house. Tests may use the testkit as well. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: [],
  verifier: ['protocol'],
  client: ['protocol', 'verifier'],
  serve: ['protocol', 'verifier'],
  kms: ['protocol', 'verifier', 'serve'],
  enclave: ['protocol', 'verifier', 'serve'],
  edge: ['protocol', 'verifier', 'serve'],
  cli: ['protocol', 'verifier', 'client'],
  console: ['protocol', 'verifier', 'client'],
  testkit: ['protocol', 'verifier'],
}

/** Packages that also run in browsers: `node:*` only in the files named here. */
const BROWSER_PACKAGES: Record<string, readonly RegExp[]> = {
  protocol: [/^src\/crypto-backend\/node(\/|-|\.)/],
  verifier: [],
  client: [/^src\/(node|proxy)\//],
  console: [],
}

/** Rooms of one package that must not import each other. */
const SEPARATE_ROOMS: [string, string, string][] = [
  ['edge/src/relay', 'edge/src/log', 'relay and log are different parties'],
  ['edge/src/relay', 'edge/src/witness', 'relay and witness are different parties'],
  ['edge/src/relay', 'edge/src/issuer', 'who knows accounts must not see who sends requests'],
  ['edge/src/log', 'edge/src/issuer', 'log and issuer are different parties'],
  ['edge/src/relay', 'edge/src/registry', 'who keeps models must not see who sends requests'],
  ['edge/src/log', 'edge/src/registry', 'log and registry are different parties'],
  ['edge/src/relay', 'edge/src/rooms', 'who keeps boards must not see who sends requests'],
  ['edge/src/log', 'edge/src/rooms', 'log and boards are different parties'],
  ['edge/src/registry', 'edge/src/rooms', 'registry and boards are different roles'],
  ['edge/src/log', 'edge/src/witness', 'a witness run by the log witnesses nothing'],
]

/** Only entry points that say so in their name may reach the software TEE (T10). */
const SOFTWARE_ONLY = /@sotto\/(serve\/tee-software|verifier\/software-signer)/
const SOFTWARE_USERS = /(\.software\.ts$|^packages\/(cli|testkit)\/|\/test\/)/

const SPECIFIER =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?(?:from\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

/** All violations in a checkout, as `file: sentence`. */
export function findViolations(root: string): string[] {
  const violations: string[] = []
  for (const file of sourceFiles(join(root, 'packages'))) {
    const path = relative(root, file)
    for (const specifier of specifiers(readFileSync(file, 'utf8'))) {
      const reason = judge(root, path, specifier)
      if (reason) violations.push(`${path}: imports ${specifier}: ${reason}`)
    }
  }
  return violations
}

function judge(root: string, path: string, specifier: string): string | undefined {
  const [, name = '', ...rest] = path.split('/')
  const inside = rest.join('/')
  const isTest = inside.startsWith('test/')
  const allowed = MAY_IMPORT[name]
  if (!allowed) return `package ${name} has no place in the house`
  if (SOFTWARE_ONLY.test(specifier) && !SOFTWARE_USERS.test(path))
    return 'the software TEE is reached from *.software.ts entry points only'
  if (specifier.startsWith('node:')) {
    const exceptions = BROWSER_PACKAGES[name]
    if (exceptions && !isTest && !exceptions.some((pattern) => pattern.test(inside)))
      return `${name} also runs in browsers`
    return undefined
  }
  if (specifier.startsWith('.')) {
    const target = relative(root, resolve(dirname(join(root, path)), specifier))
    if (!target.startsWith(`packages/${name}/`) && !isTest) return 'a relative path leaves the package'
    for (const [a, b, why] of SEPARATE_ROOMS) {
      const from = path.slice('packages/'.length)
      const to = target.slice('packages/'.length)
      if ((from.startsWith(a) && to.startsWith(b)) || (from.startsWith(b) && to.startsWith(a))) return why
    }
    return undefined
  }
  const other = /^@sotto\/([^/]+)/.exec(specifier)?.[1]
  if (!other || other === name || allowed.includes(other)) return undefined
  if (isTest && other === 'testkit') return undefined
  if (name === 'testkit' && isTest) return undefined
  return `${name} may import ${allowed.length ? allowed.join(', ') : 'no other package'}`
}

/** Import and re-export specifiers of a source text. */
export function specifiers(text: string): string[] {
  const found: string[] = []
  for (const match of text.replaceAll(/\/\*[\s\S]*?\*\//g, '').matchAll(SPECIFIER))
    found.push((match[1] ?? match[2])!)
  return found
}

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'dist') yield* sourceFiles(path)
    } else if (/\.(ts|mts|svelte)$/.test(entry.name)) yield path
  }
}

if (import.meta.main) {
  const violations = findViolations(resolve(import.meta.dirname, '..'))
  for (const violation of violations) console.error(violation)
  console.log(
    violations.length ? `layers: ${violations.length} violations` : 'layers: every import keeps to the house',
  )
  process.exitCode = violations.length ? 1 : 0
}

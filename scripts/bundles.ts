/**
 * Bundle check: what each role's bundle contains, read from the bundler's own account of it.
 * Fails when a role carries another role's code, when a release image carries the software TEE
 * (T10), when anything but a confined engine loads modules from outside its bundle (T7), or when a role grew past its recorded size (scripts/bundle-sizes.json, changed by review).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import type { Metafile } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const SIZES = join(root, 'scripts/bundle-sizes.json')
/** A role may grow this much before somebody has to look. */
const TOLERANCE = 1.05

/** Source folders a bundle must not contain, by bundle name. */
const FORBIDDEN: [bundle: RegExp, input: RegExp, why: string][] = [
  [
    /^release\//,
    /tee-software|software-signer|\.software\.ts|testkit/,
    'a release image contains the software TEE',
  ],
  [/^(software|release)\/kms$/, /packages\/(enclave|edge|client|cli)\//, 'the KMS contains another role'],
  [
    /^(software|release)\/inference$/,
    /packages\/(kms|edge|client|cli)\//,
    'the enclave contains another role',
  ],
  [/^(software|release)\/room$/, /packages\/(kms|edge|client|cli)\//, 'the room contains another role'],
  [/^edge\//, /packages\/(kms|enclave|client|cli)\//, 'an untrusted role contains measured code'],
  [
    /^edge\/relay$/,
    /edge\/src\/(log|witness)\/|hpke|ohttp\/(gateway|client)/,
    'the relay contains more than a relay',
  ],
  [/^edge\/(log|witness)$/, /edge\/src\/relay\//, 'log and relay share a bundle'],
  [
    /^edge\/registry$/,
    /edge\/src\/(relay|log|witness|issuer|rooms)\//,
    'the registry contains another party',
  ],
  [/^edge\/rooms$/, /edge\/src\/(relay|log|witness|issuer|registry)\//, 'the boards contain another party'],
  [/^bench$/, /packages\/(kms|edge|client|cli)\//, 'the program that measures contains more than engines'],
  [/^console$/, /packages\/(kms|enclave|edge|serve|cli)\//, 'the pages contain another party'],
  [/^cli$/, /packages\/(kms|enclave|edge|serve)\//, 'the command contains a server role'],
  [/./, /packages\/testkit\//, 'test code is in a product bundle'],
]

interface Size {
  ownLines: number
  thirdPartyBytes: number
}

/** All problems of a set of bundles, and the sizes found. */
export function judgeBundles(metafiles: Record<string, Metafile>): {
  problems: string[]
  sizes: Record<string, Size>
} {
  const problems: string[] = []
  const sizes: Record<string, Size> = {}
  for (const [name, metafile] of Object.entries(metafiles)) {
    const size: Size = { ownLines: 0, thirdPartyBytes: 0 }
    const used = new Map<string, number>()
    for (const [file, output] of Object.entries(metafile.outputs)) {
      for (const { path, external } of output.imports)
        if (external && !isBuiltin(path) && !/\/(?:engine|train)\.js$|\/engine\//.test(file))
          problems.push(`${name}: ${file} loads ${path} from outside its bundle`)
      for (const [input, { bytesInOutput }] of Object.entries(output.inputs))
        used.set(input, Math.max(used.get(input) ?? 0, bytesInOutput))
    }
    for (const [input, bytes] of used) {
      for (const [bundle, pattern, why] of FORBIDDEN)
        if (bundle.test(name) && bytes > 0 && pattern.test(input)) problems.push(`${name}: ${why}: ${input}`)
      if (input.includes('node_modules/')) size.thirdPartyBytes += bytes
      else size.ownLines += readFileSync(join(root, input), 'utf8').split('\n').length - 1
    }
    sizes[name] = size
  }
  return { problems, sizes }
}

function main(): number {
  const metafiles = JSON.parse(readFileSync(join(root, 'dist/metafiles.json'), 'utf8')) as Record<
    string,
    Metafile
  >
  const { problems, sizes } = judgeBundles(metafiles)
  if (process.argv.includes('--record')) writeFileSync(SIZES, JSON.stringify(sizes, null, 2) + '\n')
  const recorded = JSON.parse(readFileSync(SIZES, 'utf8')) as Record<string, Size>
  console.log('role                 own lines   third-party bytes')
  for (const [name, size] of Object.entries(sizes)) {
    console.log(
      `${name.padEnd(20)} ${String(size.ownLines).padStart(9)} ${String(size.thirdPartyBytes).padStart(19)}`,
    )
    const limit = recorded[name]
    if (!limit) problems.push(`${name}: no recorded size`)
    else if (
      size.ownLines > limit.ownLines * TOLERANCE ||
      size.thirdPartyBytes > limit.thirdPartyBytes * TOLERANCE + 1024
    ) {
      problems.push(
        `${name}: grew past its recorded size (${limit.ownLines} lines, ${limit.thirdPartyBytes} bytes); review, then node scripts/bundles.ts --record`,
      )
    }
  }
  for (const problem of problems) console.error(problem)
  return problems.length ? 1 : 0
}

if (import.meta.main) process.exitCode = main()

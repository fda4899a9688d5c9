/** What of other people's work ends in which bundle or image, read from the build's own account of it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { ROOMS_PART } from '../build/parts.ts'

/** `native` is what images with engines carry beside their bundles, `queries` what a room carries besides. */
export type Place = 'kms' | 'inference' | 'room' | 'native' | 'queries' | 'edge' | 'cli' | 'console'

export interface ShippedPackage {
  name: string
  version: string
  /** The SPDX expression of its package.json. */
  licence: string
  /** Where it is installed, `node_modules/…` of the checkout or of one of its parts. */
  folder: string
  places: Set<Place>
  /** It brings compiled code, of which its own licence says nothing. */
  isCompiled: boolean
}

/** The innermost package above a file. */
const PACKAGE_OF = /^(.*node_modules\/(?:@[^/]+\/[^/]+|[^@/][^/]*))\//

/** Every package with code in a bundle of `dist` or in the native closure of an image, or that an optional part adds to one. */
export function shippedPackages(root: string): ShippedPackage[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock
  const found = new Map<string, ShippedPackage>()
  const add = (folder: string, place: Place, isCompiled: boolean): void => {
    const entry = found.get(folder) ?? {
      ...describe(root, lock, folder),
      places: new Set(),
      isCompiled: false,
    }
    entry.places.add(place)
    entry.isCompiled ||= isCompiled
    found.set(folder, entry)
  }
  const metafiles = JSON.parse(readFileSync(join(root, 'dist/metafiles.json'), 'utf8')) as Record<
    string,
    Metafile
  >
  for (const [bundle, { outputs }] of Object.entries(metafiles)) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = PACKAGE_OF.exec(input)?.[1]
        if (bytesInOutput === 0 || folder === undefined) continue
        add(folder, placeOf(bundle), readFileSync(join(root, input), 'utf8').includes('WebAssembly.'))
      }
    }
  }
  const image = join(root, 'dist/images/release/inference')
  for (const file of readdirSync(image, { recursive: true, encoding: 'utf8' })) {
    const folder = PACKAGE_OF.exec(file)?.[1]
    if (folder) add(folder, 'native', /\.(node|so)(\.|$)/.test(file))
  }
  add(`node_modules/node-linux-${process.arch}`, 'kms', true)
  add(`node_modules/node-linux-${process.arch}`, 'native', true)
  for (const entry of partPackages(join(root, ROOMS_PART))) found.set(entry.folder, entry)
  return [...found.values()].sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version))
}

/** From the lock file alone: what is shipped is the same whether this checkout has the part installed or not. */
export function partPackages(part: string): ShippedPackage[] {
  const { packages } = JSON.parse(readFileSync(join(part, 'package-lock.json'), 'utf8')) as Lock
  return Object.entries(packages)
    .filter(([folder, { cpu, libc }]) => folder !== '' && isHere(cpu, process.arch) && isHere(libc, 'glibc'))
    .filter(([, { os }]) => isHere(os, 'linux'))
    .map(([folder, { version = '', license: licence = 'unstated', cpu }]) => ({
      name: nameWithoutProcessor(folder.replace(/^.*node_modules\//, '')),
      version,
      licence,
      folder: `${ROOMS_PART}/${folder}`,
      places: new Set<Place>(['queries']),
      isCompiled: cpu !== undefined,
    }))
}

function isHere(allowed: readonly string[] | undefined, what: string): boolean {
  return allowed?.includes(what) ?? true
}

/** Names of per-processor packages differ between machines; this list must not. */
function nameWithoutProcessor(name: string): string {
  return name.replace(`linux-${process.arch}`, 'linux-*')
}

interface Lock {
  packages: Record<
    string,
    { version?: string; license?: string; os?: string[]; cpu?: string[]; libc?: string[] }
  >
}

/** @throws Error when another version is installed than the lock file names */
function describe(
  root: string,
  lock: Lock,
  folder: string,
): Pick<ShippedPackage, 'name' | 'version' | 'licence' | 'folder'> {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: unknown
  }
  if (lock.packages[folder]?.version !== manifest.version)
    throw new Error(`${folder}: version ${manifest.version} is installed, another one is locked: run npm ci`)
  return {
    name: nameWithoutProcessor(manifest.name),
    version: manifest.version,
    licence: typeof manifest.license === 'string' ? manifest.license : 'unstated',
    folder,
  }
}

/** Places that are one bundle each. */
const BUNDLED: readonly Place[] = ['kms', 'inference', 'room', 'cli', 'console']

function placeOf(bundle: string): Place {
  const role = bundle.replace(/^(software|release)\//, '')
  return BUNDLED.find((place) => place === role) ?? 'edge'
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The licence file of an installed package, when it has one; of a part none, for not every checkout could read it. */
export function licenceFile(root: string, folder: string): string | undefined {
  if (folder.startsWith('parts/')) return undefined
  const path = join(root, folder)
  const name = readdirSync(path).find((file) => /^(licen[cs]e|copying)/i.test(file))
  return name === undefined ? undefined : readFileSync(join(path, name), 'utf8')
}

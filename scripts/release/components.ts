/** What of other people's work is in one image: read from the bundler's account and from the image's files. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOMS_PART } from '../build/parts.ts'
import type { BuiltImage } from './image.ts'
import { ReleaseFailure } from './failure.ts'

/** One npm package with code or data in an image. */
export interface Component {
  name: string
  version: string
  /** SPDX expression of its package.json. */
  licence: string
  /** `node_modules/…` in the checkout. */
  folder: string
  /** SHA-512 of the tarball the lock file names, hexadecimal. */
  tarball: string
  /** Its files in the image, of those that are there as files and not inside a bundle. */
  files: readonly { path: string; sha256: string }[]
}

/** The innermost package above a file. */
const PACKAGE_OF = /^(.*node_modules\/(?:@[^/]+\/[^/]+|[^@/][^/]*))\//

interface Lock {
  packages: Record<string, { version?: string; integrity?: string }>
}

/** Folder of the Node that an image carries. */
export function nodePackage(): string {
  return `node_modules/node-linux-${process.arch}`
}

/**
 * Every package in the image, sorted by name and version, Node among them.
 * @throws ReleaseFailure when another version is installed than the lock file names
 */
export function componentsOf(root: string, { role, metafile, entries }: BuiltImage): Component[] {
  const homes = [readHome(root)]
  // A part brings what this checkout does not have.
  if (role === 'room') homes.push(readHome(join(root, ROOMS_PART)))
  const files = new Map<string, { path: string; sha256: string }[]>()
  const add = (folder: string | undefined): { path: string; sha256: string }[] => {
    if (folder === undefined) return []
    const list = files.get(folder) ?? []
    files.set(folder, list)
    return list
  }
  for (const { inputs } of Object.values(metafile.outputs))
    for (const [input, { bytesInOutput }] of Object.entries(inputs))
      if (bytesInOutput > 0) add(PACKAGE_OF.exec(input)?.[1])
  for (const { path, sha256 } of entries) {
    if (path === 'bin/node') add(nodePackage()).push({ path, sha256 })
    else add(PACKAGE_OF.exec(path)?.[1]).push({ path, sha256 })
  }
  return [...files]
    .map(([folder, own]) => ({ ...describe(homes, folder), files: own }))
    .sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version) || compare(a.folder, b.folder))
}

/** Where packages are installed, and the lock file that names them. */
interface Home {
  place: string
  lock: Lock
}

function readHome(place: string): Home {
  return { place, lock: JSON.parse(readFileSync(join(place, 'package-lock.json'), 'utf8')) as Lock }
}

function describe(homes: readonly Home[], folder: string): Omit<Component, 'files'> {
  const { place, lock } = homes.find((home) => folder in home.lock.packages) ?? homes[0]!
  const file = join(place, folder, 'package.json')
  const manifest = JSON.parse(existsSync(file) ? readFileSync(file, 'utf8') : '{}') as {
    name: string
    version: string
    license?: unknown
  }
  const { version, integrity } = lock.packages[folder] ?? {}
  const [, base64] = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity ?? '') ?? []
  if (version === undefined || version !== manifest.version || base64 === undefined)
    throw new ReleaseFailure(
      `${folder} is version ${manifest.version}, the lock file names ${version ?? 'none'}`,
      'run npm ci, then build again',
    )
  return {
    name: manifest.name,
    version,
    licence: typeof manifest.license === 'string' ? manifest.license : 'NOASSERTION',
    folder,
    tarball: Buffer.from(base64, 'base64').toString('hex'),
  }
}

/** SHA-256 of a small file, hexadecimal. */
export function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

/** Order by code units: no locale. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

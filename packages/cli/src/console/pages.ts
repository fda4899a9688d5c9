import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliError } from '../errors.ts'
import { findDist } from '../stack/layout.ts'
import { digestOf, MANIFEST_FILE, manifestDigest, MAX_PAGE_BYTES, parseManifest } from './manifest.ts'

/** The manifest of the pages that were built with this command (`scripts/build.ts`): the command's bundle carries it. */
declare const SOTTO_CONSOLE_MANIFEST: string | undefined

/** Which pages an installation has. */
export interface InstalledPages {
  folder: string
  /** Text of the manifest that they must satisfy. */
  manifest: string
}

/** Pages whose every file is what the manifest says. */
export interface LoadedPages {
  /** Text of the manifest, and its digest. */
  manifest: string
  digest: string
  files: ReadonlyMap<string, Uint8Array>
}

/**
 * Finds the pages from the running command: `dist/cli/sotto.js` in a checkout.
 * @throws `STACK_NOT_BUILT` (fix-input)
 */
export async function findPages(from: string = import.meta.url): Promise<InstalledPages> {
  const dist = findDist(from, join('console', MANIFEST_FILE))
  if (dist !== undefined) {
    const folder = join(dist, 'console')
    return { folder, manifest: await manifestOf(folder) }
  }
  throw cliError('STACK_NOT_BUILT', 'the pages are not built', { hint: 'run npm run build in the checkout' })
}

async function manifestOf(folder: string): Promise<string> {
  if (typeof SOTTO_CONSOLE_MANIFEST !== 'undefined') return SOTTO_CONSOLE_MANIFEST
  // Run from its sources, this command was built with nothing: what lies there is what it has.
  return readFile(join(folder, MANIFEST_FILE), 'utf8')
}

/**
 * Reads the pages into memory and compares each file with the manifest. What is served afterwards is what was compared.
 * @throws `CLI_NOT_AUTHENTIC` (stop) for the first file that is missing or another; `CLI_FILE` for a malformed manifest
 */
export async function loadPages({ folder, manifest }: InstalledPages): Promise<LoadedPages> {
  const files = new Map<string, Uint8Array>()
  for (const [name, expected] of parseManifest(manifest)) {
    const bytes = await readBounded(join(folder, name))
    const found = typeof bytes === 'string' ? bytes : digestOf(bytes)
    if (typeof bytes === 'string' || found !== expected)
      throw cliError('CLI_NOT_AUTHENTIC', `${join(folder, name)} is not what was built`, {
        expected,
        found,
        hint: 'nothing was served; find out who changed it, then run npm run build in the checkout',
      })
    files.set(name, bytes)
  }
  return { manifest, digest: manifestDigest(manifest), files }
}

/** The bytes of a file, or why there are none. */
async function readBounded(file: string): Promise<Uint8Array | string> {
  try {
    // A pipe would be waited for until somebody writes, and a device has no end.
    await using handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const found = await handle.stat()
    if (!found.isFile()) return 'no file'
    if (found.size > MAX_PAGE_BYTES) return `${found.size} bytes`
    return new Uint8Array(await handle.readFile())
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? 'no such file'
      : `unreadable: ${(error as NodeJS.ErrnoException).code ?? 'unknown failure'}`
  }
}

/**
 * Builds everything that is executed: one bundle per role, its pruned native closure, the command.
 *
 *   dist/images/{software,release}/{kms,inference,room}/     role.js, bin/node, … (measured)
 *   dist/edge/{relay,log,witness,issuer,registry,rooms}.js   untrusted roles
 *   dist/bench/engine-bench.js                        measures models, for the command; in no image
 *   dist/console/                                     the web pages, and SHA256SUMS of them
 *   dist/cli/sotto.js                                 the command
 *
 * Same sources, same bytes: nothing here depends on the time, the user or the folder.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import type { Metafile } from 'esbuild'
import { encodeManifest, type ManifestEntry } from '../packages/protocol/src/measurement/index.ts'
import { bundle, NATIVE } from './build/bundle.ts'
import { walk } from './build/files.ts'
import { exclusively, sourceStamp } from './build/freshness.ts'
import { copyNativeClosure } from './build/native-closure.ts'
import { root } from './build/options.ts'
import { isPartInstalled, ROOMS_PART } from './build/parts.ts'

export interface ImageRecipe {
  image: 'kms' | 'inference' | 'room'
  flavour: 'software' | 'release'
  role: string
  /** What the role starts later, from the same image: the role's bundle lists every file of it. */
  engine?: Record<string, string>
  natives: readonly string[]
  /** Native packages of an optional part: without it the image can do less, and is built all the same. */
  part?: { folder: string; natives: readonly string[] }
}

/** What runs models, in a process of its own. */
const ENGINE = {
  engine: 'packages/enclave/src/engines/worker/main.ts',
  confine: 'packages/enclave/src/engines/worker/confine.ts',
}

/** The measured images. Only `software` flavours contain the software TEE's client (T10). */
export const IMAGES: readonly ImageRecipe[] = (['software', 'release'] as const).flatMap((flavour) => {
  const suffix = flavour === 'software' ? '.software.ts' : '.ts'
  return [
    { image: 'kms', flavour, role: `packages/kms/src/main${suffix}`, natives: [] },
    {
      image: 'inference',
      flavour,
      role: `packages/enclave/src/roles/inference${suffix}`,
      engine: {
        ...ENGINE,
        bridge: 'packages/enclave/src/app/bridge/main.ts',
        unpack: 'packages/enclave/src/app/unpack/main.ts',
      },
      natives: NATIVE,
    },
    {
      image: 'room',
      flavour,
      role: `packages/enclave/src/roles/room${suffix}`,
      engine: {
        ...ENGINE,
        sql: 'packages/enclave/src/room/sql/worker.ts',
        wasm: 'packages/enclave/src/room/wasm/worker.ts',
        train: 'packages/enclave/src/train/process/worker.ts',
        'unpack-image': 'packages/enclave/src/room/container/unpack/main.ts',
      },
      natives: NATIVE,
      part: { folder: ROOMS_PART, natives: ['@duckdb/node-api'] },
    },
  ] satisfies ImageRecipe[]
})

const EDGE_ROLES = ['relay', 'log', 'witness', 'issuer', 'registry', 'rooms']

/** Builds when a source is newer than the last build (or always); two builders at once wait in turn. */
export async function buildIfStale(options: { always?: boolean } = {}): Promise<void> {
  const stamp = sourceStamp(root)
  const stampFile = join(root, 'dist', 'stamp')
  const isFresh = (): boolean => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp
  if (isFresh() && !options.always) return
  await exclusively(join(root, '.cache', 'build.lock'), async () => {
    if (isFresh() && !options.always) return
    const started = performance.now()
    const staging = join(root, `.cache/dist-${process.pid}`)
    rmSync(staging, { recursive: true, force: true })
    await buildInto(staging)
    writeFileSync(join(staging, 'stamp'), stamp)
    putInPlace(staging, join(root, 'dist'))
    process.stderr.write(`sotto: built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
  })
}

/**
 * Puts a finished build where the last one is. No file of a build is ever written to: stacks that
 * run hold hard links to the files they were measured with (`cli/stack/images.ts`).
 */
export function putInPlace(staging: string, dist: string): void {
  const previous = `${staging}-old`
  if (existsSync(dist)) renameSync(dist, previous)
  renameSync(staging, dist)
  rmSync(previous, { recursive: true, force: true })
}

/** Builds all bundles and images into `out`. */
export async function buildInto(out: string): Promise<void> {
  mkdirSync(out, { recursive: true })
  const metafiles: Record<string, Metafile> = {}
  // The compiler of the pages is loaded for a build alone: every command asks here whether one is needed.
  const pages = import('./console/build.ts').then(({ buildPages }) => buildPages(join(out, 'console')))
  // Said where it is waited for: until then it is nobody's.
  pages.catch(() => {})
  for (const recipe of IMAGES)
    metafiles[`${recipe.flavour}/${recipe.image}`] = await buildImage(
      recipe,
      join(out, 'images', recipe.flavour, recipe.image),
    )
  for (const role of EDGE_ROLES) {
    metafiles[`edge/${role}`] = await bundle(
      { [role]: `packages/edge/src/${role}/main.ts` },
      join(out, 'edge'),
    )
  }
  metafiles['bench'] = await bundle(
    { 'engine-bench': 'packages/enclave/src/bench/main.ts' },
    join(out, 'bench'),
  )
  const { metafile, manifest } = await pages
  metafiles['console'] = metafile
  // The command carries what the pages must be: who can change them beside it has changed nothing that it serves.
  metafiles['cli'] = await bundle({ sotto: 'packages/cli/src/main.ts' }, join(out, 'cli'), [], {
    define: { SOTTO_CONSOLE_MANIFEST: JSON.stringify(manifest) },
  })
  writeFileSync(join(out, 'metafiles.json'), JSON.stringify(metafiles))
}

/** Builds one measured image into `folder`; the answer is the bundler's account of what is in it. */
export async function buildImage(recipe: ImageRecipe, folder: string): Promise<Metafile> {
  // In pieces: a process loads the code and the native libraries of its own engine, and no others.
  const pieces = { splitting: true, chunkNames: 'engine/[name]-[hash]' }
  const engine = recipe.engine && (await bundle(recipe.engine, folder, recipe.natives, pieces))
  for (const name of recipe.natives) await copyNativeClosure(name, join(folder, 'node_modules'))
  const part = recipe.part && join(root, recipe.part.folder)
  if (part !== undefined && isPartInstalled(part))
    for (const name of recipe.part!.natives) await copyNativeClosure(name, join(folder, 'node_modules'), part)
  mkdirSync(join(folder, 'bin'), { recursive: true })
  linkOrCopy(pinnedNode(), join(folder, 'bin', 'node'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  for (const file of walk(folder)) chmodSync(file, file.endsWith('bin/node') ? 0o755 : 0o644)
  const role = await buildRole(recipe, folder)
  return {
    inputs: { ...engine?.inputs, ...role.inputs },
    outputs: { ...engine?.outputs, ...role.outputs },
  }
}

/**
 * The role's bundle comes last, because it carries the digest of everything else in its image: what
 * it starts later must still be what it was measured with (T7, `enclave/roles/measured-program.ts`).
 */
export async function buildRole(recipe: ImageRecipe, folder: string): Promise<Metafile> {
  const files = recipe.engine && listImage(folder).filter(({ path }) => path !== 'role.js')
  const metafile = await bundle({ role: recipe.role }, folder, [], {
    // A string: esbuild makes a module of its own out of anything larger than a literal.
    ...(files && { define: { SOTTO_IMAGE_FILES: JSON.stringify(JSON.stringify(files)) } }),
  })
  chmodSync(join(folder, 'role.js'), 0o644)
  return metafile
}

/** Every file of an image with mode and digest, as it is measured, sorted by path. */
export function listImage(folder: string): ManifestEntry[] {
  const entries = [...walk(folder)].map((file) => ({
    path: relative(folder, file),
    mode: statSync(file).mode & 0o777,
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
  }))
  // Refuses what the launcher would refuse to measure.
  encodeManifest(entries)
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    copyFileSync(from, to)
  }
}

function pinnedNode(): string {
  const pinned = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  return existsSync(pinned) ? pinned : process.execPath
}

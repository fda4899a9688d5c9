import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { utf8 } from '@sotto/protocol/bytes'
import { build, type Metafile, transform } from 'esbuild'
import { svelte } from './svelte.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SOURCE = join(ROOT, 'packages/console')

/** The pages as they are served, but for `console.json`. */
export interface ConsoleFiles {
  /** By name: `index.html`, scripts, style sheet, icon. */
  files: ReadonlyMap<string, Uint8Array>
  /** Scripts of the first load, before a page is opened. */
  first: readonly string[]
  /** Scripts that are loaded when a page is the first that is opened, by the page: those of the first load, and its own. */
  pages: ReadonlyMap<string, readonly string[]>
  /** The bundler's account of what is in the scripts. */
  metafile: Metafile
}

/** Builds the pages: the same bytes at every run, in every checkout. */
export async function buildConsole(): Promise<ConsoleFiles> {
  const { outputFiles, metafile } = await build({
    entryPoints: {
      console: join(SOURCE, 'src/main.ts'),
      // Loaded into the audio thread by its name.
      'microphone-worklet': join(SOURCE, 'src/audio/microphone-worklet.ts'),
    },
    outdir: '/out',
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser', 'svelte', 'on-demand'],
    target: 'es2024',
    legalComments: 'none',
    chunkNames: '[name]-[hash]',
    plugins: [svelte(ROOT)],
  })
  const files = new Map<string, Uint8Array>(
    outputFiles.map(({ path, contents }) => [path.slice('/out/'.length), contents]),
  )
  for (const [name, path] of [
    ['index.html', 'index.html'],
    ['icon.svg', 'icon.svg'],
  ] as const)
    files.set(name, await readFile(join(SOURCE, path)))
  files.set('console.css', await styleSheet())
  const outputs: Outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [scriptName(path), output]),
  )
  const first = loadedWith(outputs, 'console.js')
  return {
    files: new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    first,
    pages: pagesOf(outputs, first),
    metafile,
  }
}

type Outputs = ReadonlyMap<string, Metafile['outputs'][string]>

/** What all pages share first: it names the layers. */
async function styleSheet(): Promise<Uint8Array> {
  const folder = join(SOURCE, 'src/style')
  const names = (await readdir(folder)).filter((name) => name !== 'console.css').toSorted()
  const parts = await Promise.all(
    ['console.css', ...names].map((name) => readFile(join(folder, name), 'utf8')),
  )
  const { code } = await transform(parts.join('\n'), { loader: 'css', minify: true, target: 'es2024' })
  return utf8(code)
}

/** Scripts and all that they import at once. */
function loadedWith(outputs: Outputs, ...names: string[]): string[] {
  const found = new Set<string>(names)
  for (const one of found)
    for (const { path, kind } of outputs.get(one)?.imports ?? [])
      if (kind === 'import-statement') found.add(scriptName(path))
  return [...found]
}

/** The pages that the first load opens, see `app/routes.ts`. What a page itself loads on demand is not there at first. */
function pagesOf(outputs: Outputs, first: readonly string[]): Map<string, string[]> {
  const pages = new Map<string, string[]>()
  for (const { path, kind } of first.flatMap((name) => outputs.get(name)!.imports)) {
    const name = scriptName(path)
    const [, page] = /\/src\/pages\/(\w+)\//.exec(outputs.get(name)?.entryPoint ?? '') ?? []
    if (kind === 'dynamic-import' && page !== undefined) pages.set(page, loadedWith(outputs, ...first, name))
  }
  return pages
}

function scriptName(path: string): string {
  return path.slice(path.indexOf('out/') + 4)
}

/** Bytes of the first load, compressed. */
export function firstLoadBytes(built: ConsoleFiles): number {
  return scriptBytes(built, built.first)
}

/** The page of which most bytes are loaded when it is opened first, compressed. */
export function heaviestPage(built: ConsoleFiles): { page: string; bytes: number } {
  return [...built.pages]
    .map(([page, names]) => ({ page, bytes: scriptBytes(built, names) }))
    .reduce((most, one) => (one.bytes > most.bytes ? one : most))
}

function scriptBytes({ files }: ConsoleFiles, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + gzipSync(files.get(name)!, { level: 9 }).length, 0)
}

/** What `sotto console verify` compares, and a release names: SHA-256 of every file, by name. */
export function consoleManifest({ files }: ConsoleFiles): string {
  const lines = [...files].map(
    ([name, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`,
  )
  return lines.join('')
}

/** Builds the pages into `folder`. @returns the manifest, and the bundler's account */
export async function buildPages(folder: string): Promise<{ manifest: string; metafile: Metafile }> {
  const built = await buildConsole()
  await writeConsole(folder, built)
  return { manifest: consoleManifest(built), metafile: built.metafile }
}

/** Writes the pages into `folder`, which becomes exactly them. */
export async function writeConsole(folder: string, built: ConsoleFiles): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const [name, bytes] of built.files) await writeFile(join(folder, name), bytes)
  await writeFile(join(folder, 'SHA256SUMS'), consoleManifest(built))
}

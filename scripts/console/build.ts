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
  const outputs = Object.entries(metafile.outputs).map(
    ([path, output]) => [path.slice(path.indexOf('out/') + 4), output] as const,
  )
  return {
    files: new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    first: firstOf(new Map(outputs), 'console.js'),
    metafile,
  }
}

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

/** A script and all that it imports at once. */
function firstOf(
  outputs: ReadonlyMap<string, { imports: readonly { path: string; kind: string }[] }>,
  name: string,
): string[] {
  const found = new Set<string>([name])
  for (const one of found)
    for (const { path, kind } of outputs.get(one)?.imports ?? [])
      if (kind === 'import-statement') found.add(path.slice(path.indexOf('out/') + 4))
  return [...found]
}

/** Bytes of the first load, compressed. */
export function firstLoadBytes({ files, first }: ConsoleFiles): number {
  return first.reduce((sum, name) => sum + gzipSync(files.get(name)!, { level: 9 }).length, 0)
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

/** What of a native package goes into an image. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { build } from 'esbuild'
import { walk } from './files.ts'
import { COMMON, root } from './options.ts'

/**
 * Copies of a package only what its entry can load: the modules esbuild finds from it, each
 * package's package.json, and this platform's binaries.
 *
 * @param from folder that the package is installed in. Default: the checkout
 * @throws Error when another version of one of its files is there already
 */
export async function copyNativeClosure(name: string, target: string, from: string = root): Promise<void> {
  const source = join(from, 'node_modules')
  const manifest = JSON.parse(readFileSync(join(source, name, 'package.json'), 'utf8')) as {
    main?: string
    exports?: { '.'?: { node?: { import?: string }; import?: string } }
  }
  const entry =
    manifest.exports?.['.']?.node?.import ?? manifest.exports?.['.']?.import ?? manifest.main ?? 'index.js'
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [join(source, name, entry)],
    write: false,
    outdir: '/unused',
    loader: { '.node': 'copy' },
    external: ['*.node', '@node-llama-cpp/*', '@reflink/*'],
    logLevel: 'silent',
  })
  const manifests = new Set<string>()
  for (const input of Object.keys(metafile!.inputs)) {
    const path = relative(source, resolve(root, input))
    if (path.startsWith('..')) continue
    copyInto(join(source, path), join(target, path))
    // Every package.json above a module says how Node reads it ("type") and finds it ("exports").
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder))
      manifests.add(join(folder, 'package.json'))
  }
  for (const path of manifests)
    if (existsSync(join(source, path))) copyInto(join(source, path), join(target, path))
  for (const path of nativeFiles(name, source)) copyInto(join(source, path), join(target, path))
}

/** Libraries and the data they read, by package: folders for this processor, and which files of them. */
const NATIVE_FILES: Readonly<Record<string, { folders: readonly string[]; wanted: RegExp }>> = {
  'onnxruntime-node': { folders: [`onnxruntime-node/bin/napi-v6/linux/${process.arch}`], wanted: /./ },
  'node-llama-cpp': {
    folders: [`@node-llama-cpp/linux-${process.arch}`, 'node-llama-cpp/llama'],
    wanted: /^@node-llama-cpp\/|^node-llama-cpp\/llama\/(binariesGithubRelease|llama\.cpp\.info)\.json$/,
  },
  '@duckdb/node-api': { folders: [`@duckdb/node-bindings-linux-${process.arch}`], wanted: /./ },
}

function nativeFiles(name: string, source: string): string[] {
  const { folders, wanted } = NATIVE_FILES[name]!
  return folders
    .flatMap((folder) => [...walk(join(source, folder))])
    .map((file) => relative(source, file))
    .filter((path) => wanted.test(path) && !/\.(md|d\.ts|map)$/.test(path))
}

function copyInto(from: string, to: string): void {
  if (existsSync(to)) {
    // A part and the checkout may bring the same package: then they bring the same one.
    if (!readFileSync(to).equals(readFileSync(from)))
      throw new Error(`${from} is not the file that is in the image`)
    return
  }
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { dereference: true })
}

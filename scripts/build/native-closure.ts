/** What of a native package goes into an image. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { build } from 'esbuild'
import { walk } from './files.ts'
import { COMMON, root } from './options.ts'

/**
 * Copies of a package only what its entry can load: the modules esbuild finds from it, each
 * package's package.json, and this platform's binaries.
 */
export async function copyNativeClosure(name: string, target: string): Promise<void> {
  const source = join(root, 'node_modules')
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
  for (const path of nativeFiles(name)) copyInto(join(source, path), join(target, path))
}

/** Native files by package: libraries and the data they read, for this processor only. */
function nativeFiles(name: string): string[] {
  const source = join(root, 'node_modules')
  const folders =
    name === 'onnxruntime-node'
      ? [`onnxruntime-node/bin/napi-v6/linux/${process.arch}`]
      : [`@node-llama-cpp/linux-${process.arch}`, 'node-llama-cpp/llama']
  const wanted = (path: string): boolean =>
    name === 'onnxruntime-node' ||
    path.startsWith('@node-llama-cpp/') ||
    /^node-llama-cpp\/llama\/(binariesGithubRelease|llama\.cpp\.info)\.json$/.test(path)
  return folders
    .flatMap((folder) => [...walk(join(source, folder))])
    .map((file) => relative(source, file))
    .filter((path) => wanted(path) && !/\.(md|d\.ts|map)$/.test(path))
}

function copyInto(from: string, to: string): void {
  if (existsSync(to)) return
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { dereference: true })
}

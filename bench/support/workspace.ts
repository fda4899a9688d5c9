import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { findLayout, type Layout } from '../../packages/cli/src/stack/layout.ts'
import { buildInto, buildRole, IMAGES } from '../../scripts/build.ts'

const root = resolve(import.meta.dirname, '../..')

/** A build of its own, in a folder of its own: what is measured does not change underneath. */
export interface Workspace {
  folder: string
  layout: Layout
  /** The built command. */
  command: string
  remove(): Promise<void>
}

/** Builds everything into a temporary folder, with the default models and the examples beside it. */
export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-bench-'))
  await buildInto(join(folder, 'dist'))
  for (const name of ['models', 'examples']) await symlink(join(root, name), join(folder, name))
  const command = join(folder, 'dist', 'cli', 'sotto.js')
  return {
    folder,
    layout: findLayout(`file://${command}`),
    command,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Replaces the engine bundle of the software image by one that stamps what it emits, and the role that lists it. */
export async function installStampingEngine({ layout }: Workspace): Promise<string> {
  const outfile = join(layout.image('inference'), 'engine.js')
  await build({
    entryPoints: [join(import.meta.dirname, 'stamping-engine.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['onnxruntime-node', 'node-llama-cpp'],
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
    },
    logLevel: 'warning',
  })
  const recipe = IMAGES.find(({ image, flavour }) => image === 'inference' && flavour === 'software')!
  await buildRole(recipe, layout.image('inference'))
  return outfile
}

const WINDOW = /(bucketBytes: 512, windowMs: )20\b/

/**
 * The same layout with an inference image whose gateway flushes every event at once: the window is a
 * constant of the measured bundle, so this is another image with another measurement.
 */
export async function withoutWindow({ folder, layout }: Workspace): Promise<Layout> {
  const image = join(folder, 'window-0')
  await mkdir(image, { recursive: true })
  await cp(layout.image('inference'), image, { recursive: true })
  const bundle = await readFile(join(image, 'role.js'), 'utf8')
  const changed = bundle.replace(WINDOW, '$10')
  if (changed === bundle) throw new Error('the bundle has no window to change')
  await writeFile(join(image, 'role.js'), changed)
  return { ...layout, image: (name) => (name === 'inference' ? image : layout.image(name)) }
}

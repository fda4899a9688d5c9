import { constants, linkSync } from 'node:fs'
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cliError } from '../errors.ts'
import type { Layout, StackImage } from './layout.ts'

/** In the folder of a stack's state. */
export const IMAGES_FOLDER = 'images'

/** Why a hard link may be refused where a copy is not: other disks, other owners, other file systems. */
const COPY_INSTEAD: ReadonlySet<string | undefined> = new Set([
  'EXDEV',
  'EPERM',
  'EACCES',
  'EMLINK',
  'ENOTSUP',
])
const MAX_ATTEMPTS = 20
const PAUSE_MS = 100

/**
 * Gives a stack a place of its own to run from: the images and untrusted roles of one build, in a
 * folder that nobody else writes to. A later build puts other files where it builds; what was
 * measured here stays, and an engine that starts again tomorrow finds the bytes of today (T7).
 *
 * Hard links where the file system allows them, so 200 MB cost nothing; otherwise copies. A link
 * shares its bytes with the build: whoever writes *into* a built file changes it here too, which the
 * enclave notices before it starts an engine.
 *
 * @param names which measured images it runs
 * @returns the same layout with the images and roles of `folder`
 * @throws `IMAGE_UNMEASURABLE` (fix-input) for a missing image, a link or a special file in one
 */
export async function placeImages(
  layout: Layout,
  folder: string,
  names: readonly StackImage[] = ['kms', 'inference'],
): Promise<Layout> {
  const sources = [...names.map((name) => layout.image(name)), dirname(layout.edge('log'))]
  const placed = new Map(sources.map((source) => [source, join(folder, basename(source))]))
  for (let attempt = 1; ; attempt++) {
    await rm(folder, { recursive: true, force: true })
    const isWhole = await placeAll(placed).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      if (attempt === MAX_ATTEMPTS) throw unmeasurable(`no file ${error.path}`, error)
      return false
    })
    if (isWhole) break
    // A build is being put in place: it is there in a moment.
    await new Promise((done) => setTimeout(done, PAUSE_MS))
  }
  const at = (source: string): string => placed.get(source)!
  return {
    ...layout,
    image: (name) => at(layout.image(name)),
    edge: (role) => join(at(dirname(layout.edge(role))), basename(layout.edge(role))),
  }
}

/** Takes away what {@link placeImages} made for the stack that keeps its state in `root`. */
export async function removeImages(root: string): Promise<void> {
  // What cannot be removed is no reason to fail on the way out: the next start makes it anew.
  await rm(join(root, IMAGES_FOLDER), { recursive: true, force: true }).catch(() => {})
}

/** Whether everything is of one build: none was put in place meanwhile. */
async function placeAll(placed: ReadonlyMap<string, string>): Promise<boolean> {
  const builds = async (): Promise<string> =>
    (await Promise.all([...placed.keys()].map((source) => stat(source))))
      .map(({ dev, ino }) => `${dev}:${ino}`)
      .join(' ')
  const before = await builds()
  const copies: Copies = new Map()
  for (const [source, target] of placed) await placeTree(source, target, copies)
  return (await builds()) === before
}

/** Where a copy of a file lies already: the images share Node, more than half of each. */
type Copies = Map<string, string>

async function placeTree(source: string, target: string, copies: Copies): Promise<void> {
  // Engines run under uids of their own, and nothing in an image is secret.
  await mkdir(target, { recursive: true, mode: 0o755 })
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (entry.isDirectory()) await placeTree(from, to, copies)
    else if (entry.isFile()) await placeFile(from, to, copies)
    else throw unmeasurable(`${from} is neither a file nor a directory`)
  }
}

async function placeFile(from: string, to: string, copies: Copies): Promise<void> {
  try {
    linkSync(from, to)
  } catch (error) {
    if (!COPY_INSTEAD.has((error as NodeJS.ErrnoException).code)) throw error
    const { dev, ino } = await stat(from)
    const copy = copies.get(`${dev}:${ino}`)
    if (copy !== undefined) return linkSync(copy, to)
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    copies.set(`${dev}:${ino}`, to)
  }
}

function unmeasurable(found: string, cause?: unknown): Error {
  return cliError('IMAGE_UNMEASURABLE', 'image cannot be measured', {
    found,
    hint: 'run npm run build',
    cause,
  })
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '@sotto/protocol/oci'
import { encodeTarHeader, TAR_END, tarPadding } from '@sotto/protocol/tar'
import { cliError } from '../errors.ts'

/** What a layer has at one path of the container: a folder or file of this machine, or bytes. */
export interface LayerPart {
  /** Absolute path in the container. */
  to: string
  /** Taken with everything below it. */
  from?: string
  bytes?: Uint8Array
}

/** A file of a layer. */
interface LayerFile {
  path: string
  mode: 0o644 | 0o755
  size: number
  content(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

const PIECE_BYTES = 1024 * 1024

/**
 * The tar of a layer, which depends on paths, contents and executable bits only: no owner, no time, sorted, each folder on
 * the way to a file named.
 * @throws `IMAGE_UNMEASURABLE` for links, special files and files that change meanwhile; `TAR_ENTRY` for paths that fit nowhere
 */
export async function* writeLayerTar(
  parts: readonly LayerPart[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const files = new Map<string, LayerFile>()
  for (const part of parts)
    for (const file of await collectPart(part)) {
      if (files.has(file.path)) throw unmeasurable(`/${file.path} comes twice`)
      files.set(file.path, file)
    }
  const folders = new Set([...files.keys()].flatMap(foldersOf))
  for (const path of folders) if (files.has(path)) throw unmeasurable(`/${path} is a file and a folder`)
  for (const path of [...folders, ...files.keys()].sort()) {
    const file = files.get(path)
    if (file === undefined) yield encodeTarHeader({ path, mode: 0o755, size: 0, directory: true })
    else yield* writeFile(file)
  }
  yield TAR_END
}

/** SHA-256 of the tar of a layer, as the configuration of an image names it: `sha256:…`. @throws as {@link writeLayerTar} */
export async function layerDigest(parts: readonly LayerPart[]): Promise<Digest> {
  const hash = createHash('sha256')
  for await (const piece of writeLayerTar(parts)) hash.update(piece)
  return `sha256:${hash.digest('hex')}`
}

async function* writeFile(file: LayerFile): AsyncGenerator<Uint8Array, void, undefined> {
  const { path, mode, size } = file
  yield encodeTarHeader({ path, mode, size })
  let bytes = 0
  for await (const piece of file.content()) {
    bytes += piece.length
    if (bytes > size) break
    yield piece
  }
  if (bytes !== size) throw unmeasurable(`/${path} changes while it is read`)
  yield tarPadding(size)
}

async function collectPart({ to, from, bytes }: LayerPart): Promise<LayerFile[]> {
  const path = to.replace(/^\//, '')
  if (from === undefined) {
    const content = bytes ?? new Uint8Array()
    return [{ path, mode: 0o644, size: content.length, content: () => [content] }]
  }
  const files: LayerFile[] = []
  await collect(from, path, files)
  if (files.length === 0) throw unmeasurable(`${from} is empty`)
  return files
}

async function collect(from: string, path: string, files: LayerFile[]): Promise<void> {
  const found = await lstat(from).catch((cause: unknown) => {
    throw unmeasurable(`cannot read ${from}`, cause)
  })
  if (found.isDirectory()) {
    for (const name of await readdir(from)) await collect(join(from, name), `${path}/${name}`, files)
    return
  }
  if (!found.isFile()) throw unmeasurable(`${from} is neither a file nor a folder`)
  files.push({
    path,
    // The rest of the mode is the umask of whoever built it.
    mode: found.mode & 0o100 ? 0o755 : 0o644,
    size: found.size,
    content: () => createReadStream(from, { highWaterMark: PIECE_BYTES }),
  })
}

function foldersOf(path: string): string[] {
  const steps = path.split('/')
  return steps.slice(0, -1).map((_, index) => steps.slice(0, index + 1).join('/'))
}

function unmeasurable(found: string, cause?: unknown): Error {
  return cliError('IMAGE_UNMEASURABLE', 'a layer cannot be made', { found, hint: 'run npm run build', cause })
}

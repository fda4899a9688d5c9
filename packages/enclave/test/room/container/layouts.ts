import { createHash } from 'node:crypto'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { CONFIG, INDEX, LAYER_GZIP, LAYER_TAR, MANIFEST } from '@sotto/protocol/oci'
import { onTestFinished } from 'vitest'
import { writeTar, type WrittenEntry } from '../../../../protocol/test/oci/support/tar-writer.ts'
import { openUnnamed } from '../../../src/ram/unnamed-file.ts'

export { writeTar, type WrittenEntry }

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
export const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
export const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch

/** A file of a layer. */
export const file = (path: string, text: string | Uint8Array = '', mode = 0o644): WrittenEntry => ({
  path,
  content: Buffer.from(text),
  mode,
})
export const folder = (path: string): WrittenEntry => ({ path: `${path}/`, type: '5', mode: 0o755 })
export const symlink = (path: string, link: string): WrittenEntry => ({ path, type: '2', link })
export const hardlink = (path: string, link: string): WrittenEntry => ({ path, type: '1', link })

/** What a test changes of a layout before it is packed. */
export interface LayoutChange {
  gzip?: boolean
  config?: (config: Record<string, unknown>) => unknown
  manifest?: (manifest: Record<string, unknown>) => unknown
  /** Of `index.json`. */
  index?: (index: Record<string, unknown>) => unknown
  version?: unknown
  /** Files by their path in the layout. */
  files?: (files: Map<string, Uint8Array>) => void
  /** The entries of the tar. */
  entries?: (entries: WrittenEntry[]) => WrittenEntry[]
}

/** The tar of a layout with one image, and the digest of its manifest. */
export interface BuiltLayout {
  tar: Uint8Array
  manifest: string
}

/** A layout as its standard has it, unless a test changes it. Digests are those of what was changed. */
export function buildLayout(
  layers: readonly (readonly WrittenEntry[] | Uint8Array)[],
  change: LayoutChange = {},
): BuiltLayout {
  const { gzip = false, config = same, manifest = same, index = same } = change
  const files = new Map<string, Uint8Array>()
  const put = (bytes: Uint8Array, mediaType: string): object => {
    const digest = digestOf(bytes)
    files.set(`blobs/sha256/${digest}`, bytes)
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length }
  }
  const tars = layers.map((layer) => (layer instanceof Uint8Array ? layer : writeTar(layer)))
  const described = tars.map((tar) =>
    gzip ? put(gzipSync(tar, { level: 1 }), LAYER_GZIP) : put(tar, LAYER_TAR),
  )
  const configured = config({
    architecture: ARCHITECTURE,
    os: 'linux',
    config: { Entrypoint: ['/never'], Env: ['FROM_IMAGE=1'], User: 'root' },
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => `sha256:${digestOf(tar)}`) },
  })
  const manifested = json(
    manifest({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: put(json(configured), CONFIG),
      layers: described,
    }),
  )
  const descriptor = put(manifested, MANIFEST)
  files.set('index.json', json(index({ schemaVersion: 2, mediaType: INDEX, manifests: [descriptor] })))
  files.set('oci-layout', json(change.version ?? { imageLayoutVersion: '1.0.0' }))
  change.files?.(files)
  const entries = [
    folder('blobs'),
    folder('blobs/sha256'),
    ...[...files].map(([path, bytes]) => file(path, bytes)),
  ]
  return { tar: writeTar(change.entries?.(entries) ?? entries), manifest: digestOf(manifested) }
}

function same(value: unknown): unknown {
  return value
}

/** A RAM file as a room has it, closed after the test. */
export function ramFile(bytes: Uint8Array): number {
  const fd = openRamFile(bytes)
  onTestFinished(() => closeSync(fd))
  return fd
}

/** The same, for whoever closes it. */
export function openRamFile(bytes: Uint8Array): number {
  const writable = openUnnamed('/dev/shm')
  for (let at = 0; at < bytes.length;) at += writeSync(writable, bytes, at)
  const fd = openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY)
  closeSync(writable)
  return fd
}

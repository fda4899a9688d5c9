import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CONFIG, INDEX, LAYER_GZIP, MANIFEST } from '@sotto/protocol/oci'
import { digestOf } from './registry-server.ts'
import { writeTar } from '../../../../protocol/test/oci/support/tar-writer.ts'

/** A folder of its own for a test. */
export function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'sotto-oci-'))
}

/** Files by path; those below `bin/` can be executed. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, path.startsWith('bin/') ? 0o755 : 0o644)
  }
  return folder
}

/** An image in pieces: blobs by digest, and its manifest. */
export interface SampleImage {
  blobs: Map<string, Uint8Array>
  manifest: Uint8Array
  digest: `sha256:${string}`
}

/** An image of one layer with one file, for tests of what others made. */
export function sampleImage(architecture = 'amd64', text = 'of the base'): SampleImage {
  const tar = writeTar([
    { path: 'etc/', type: '5', mode: 0o755 },
    { path: 'etc/base', content: Buffer.from(text) },
  ])
  const layer = gzipSync(tar)
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      config: { Env: ['PATH=/usr/bin', 'LANG=C'], Cmd: ['bash'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      history: [{ created_by: 'somebody' }],
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: CONFIG, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: LAYER_GZIP, digest: digestOf(layer), size: layer.length }],
    }),
  )
  const blobs = new Map([config, layer, manifest].map((bytes) => [digestOf(bytes), bytes] as const))
  return { blobs, manifest, digest: digestOf(manifest) }
}

/** An index of images by platform. */
export function sampleIndex(entries: readonly { image: SampleImage; platform: object }[]): Uint8Array {
  const manifests = entries.map(({ image, platform }) => ({
    mediaType: MANIFEST,
    digest: image.digest,
    size: image.manifest.length,
    platform,
  }))
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }))
}

/** Writes an image as a layout's folder. */
export function writeSampleLayout(folder: string, image: SampleImage = sampleImage()): string {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  for (const [digest, bytes] of image.blobs)
    writeFileSync(join(folder, 'blobs/sha256', digest.slice(7)), bytes)
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion": "1.0.0"}')
  const entry = { mediaType: MANIFEST, digest: image.digest, size: image.manifest.length }
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
  return folder
}

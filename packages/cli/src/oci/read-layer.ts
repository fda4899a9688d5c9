import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { SottoError } from '@sotto/protocol/errors'
import { LAYER_TAR } from '@sotto/protocol/oci'
import { cliError } from '../errors.ts'
import type { OciImage } from './layout.ts'
import { hashLayer } from './verity/index.ts'

/**
 * The tar of a layer of an image, decompressed, its stored bytes and its bytes in clear checked by their digests once
 * they were all read.
 * @throws `IMAGE_DIGEST`, `IMAGE_INVALID`
 */
export async function* readLayer(
  image: OciImage,
  index: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const layer = image.manifest.layers[index]!
  const expected = image.config.diffIds[index]!
  const inClear = createHash('sha256')
  const stored = image.blobs.stream(layer)
  const tar = layer.mediaType === LAYER_TAR ? stored : gunzip(stored, () => image.blobs.stream(layer))
  for await (const piece of tar) {
    inClear.update(piece)
    yield piece
  }
  const found = `sha256:${inClear.digest('hex')}`
  if (found !== expected)
    throw cliError('IMAGE_DIGEST', 'a layer is another than its configuration says', { expected, found })
}

/**
 * Root hash of every layer of an image, from the lowest to the highest, as the policy of Confidential ACI names them.
 * @throws `IMAGE_DIGEST`, `IMAGE_INVALID`, `IMAGE_UNSUPPORTED`
 */
export async function hashLayers(image: OciImage): Promise<string[]> {
  const hashes: string[] = []
  for (let index = 0; index < image.manifest.layers.length; index++)
    hashes.push(await hashLayer(readLayer(image, index)))
  return hashes
}

async function* gunzip(
  stored: AsyncIterable<Uint8Array>,
  again: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const clear = pipeline(Readable.from(stored), createGunzip(), () => {})
  try {
    for await (const piece of clear) yield piece as Buffer
  } catch (cause) {
    if (cause instanceof SottoError) throw cause
    // Damaged on the way is another matter than made wrong: its digest tells.
    for await (const _ of again());
    throw cliError('IMAGE_INVALID', 'a layer is no gzip file', { cause })
  } finally {
    clear.destroy()
  }
}

import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { ReadFile } from '@sotto/protocol/training'
import { clientError } from '../../errors.ts'
import type { ModelFiles } from '../../models/index.ts'
import { chunksOf } from '../../streams.ts'

/**
 * Files of a model with both of their digests: the one by which manifests name them, and the one by which a run does
 * (`outputDigest`). Each is read once, piece by piece.
 * @param salt of the output that one of them is, base64url
 * @throws `MODEL_SOURCE` one cannot be read
 */
export async function readFiles(
  files: ModelFiles,
  salt: string,
  signal?: AbortSignal,
): Promise<readonly ReadFile[]> {
  const read: ReadFile[] = []
  for (const [name, file] of Object.entries(files)) {
    const plain = crypto.createHash('sha256')
    const salted = crypto.createHash('sha256')
    salted.update(fromBase64Url(salt))
    let bytes = 0
    try {
      for await (const chunk of chunksOf(file.stream())) {
        signal?.throwIfAborted()
        plain.update(chunk)
        salted.update(chunk)
        bytes += chunk.length
      }
    } catch (cause) {
      signal?.throwIfAborted()
      throw clientError('MODEL_SOURCE', `${name} cannot be read, or changed while it was read`, { cause })
    }
    read.push({ name, bytes, sha256: toHex(plain.digest()), digest: toHex(salted.digest()) })
  }
  return read
}

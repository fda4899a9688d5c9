import { open } from 'node:fs/promises'
import { cliError } from '../../errors.ts'
import { type GgufHeader, GgufTruncated, parseGgufHeader } from './header.ts'

/** Vocabularies are the most of a header: the largest have a few MiB. */
const MAX_HEADER_BYTES = 256 * 1024 * 1024
const FIRST_BYTES = 1024 * 1024

/** Reads the head of a GGUF file, and no more of the file than that takes. @throws `CLI_FILE`, `MODEL_INVALID` */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const file = await open(path).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  })
  try {
    const { size } = await file.stat()
    for (let length = FIRST_BYTES; ; length *= 4) {
      const bytes = new Uint8Array(Math.min(length, size))
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
      try {
        return parseGgufHeader(bytes.subarray(0, bytesRead))
      } catch (error) {
        if (!(error instanceof GgufTruncated)) throw error
        if (length >= size || length >= MAX_HEADER_BYTES)
          throw cliError('MODEL_INVALID', `${path} ends before its own header does`, { cause: error })
      }
    }
  } finally {
    await file.close()
  }
}

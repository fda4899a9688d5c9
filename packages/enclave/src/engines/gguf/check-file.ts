import { closeSync, openSync, readSync } from 'node:fs'
import type { GgufHeader } from '@sotto/protocol/gguf'
import { engineError } from '../errors.ts'
import { checkGgufHeader } from './header.ts'

/**
 * Checks a GGUF file before anything else reads it.
 *
 * @param wants keys of metadata to keep; default none
 * @throws `ENGINE_MODEL_INVALID`
 */
export function checkFile(path: string, size: number, wants?: (key: string) => boolean): GgufHeader {
  const file = openSync(path, 'r')
  const read = (position: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const count = readSync(file, bytes, at, length - at, position + at)
      if (count === 0) throw engineError('ENGINE_MODEL_INVALID', 'the file is shorter than its manifest says')
      at += count
    }
    return bytes
  }
  try {
    return checkGgufHeader(read, size, wants)
  } finally {
    closeSync(file)
  }
}

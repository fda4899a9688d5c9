import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { serveError } from '../errors/index.ts'
import type { Decoder } from './fields.ts'
import { parseStrictJson } from './strict-json.ts'

/** Largest configuration file, in bytes. */
const MAX_CONFIG_BYTES = 256 * 1024

/** A configuration with the exact bytes it was decoded from. */
export interface ReadConfig<T> {
  config: T
  bytes: Uint8Array
  /** SHA-256 of `bytes`, lower-case hexadecimal: what HOST_DATA must say (T7). */
  sha256: string
}

/**
 * Reads a JSON configuration file once; what is hashed is what is decoded.
 * @throws `CONFIG_UNREADABLE` when there is no such regular file or it passes 256 KiB
 * @throws `CONFIG_INVALID` when it is not strict JSON or `decode` refuses it
 */
export async function readConfig<T>(path: string, decode: Decoder<T>): Promise<ReadConfig<T>> {
  const bytes = await readOnce(path)
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch (cause) {
    throw serveError('CONFIG_INVALID', 'the configuration is not UTF-8', { cause })
  }
  const config = decode(parseStrictJson(text), 'config')
  return { config, bytes, sha256: toHex(createHash('sha256').update(bytes).digest()) }
}

async function readOnce(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r')
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > MAX_CONFIG_BYTES) {
      throw serveError('CONFIG_UNREADABLE', 'the configuration is not a regular file of bounded size', {
        expected: `at most ${MAX_CONFIG_BYTES} bytes`,
        found: `${stat.size}`,
      })
    }
    const buffer = new Uint8Array(MAX_CONFIG_BYTES + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
      if (bytesRead === 0) return buffer.slice(0, length)
      length += bytesRead
      if (length > MAX_CONFIG_BYTES)
        throw serveError('CONFIG_UNREADABLE', 'the configuration grew while it was read')
    }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('CONFIG_')) throw cause
    throw serveError('CONFIG_UNREADABLE', 'the configuration cannot be read', { found: path, cause })
  }
}

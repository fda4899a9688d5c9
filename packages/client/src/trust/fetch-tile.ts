import { type TileReader } from '@sotto/protocol/merkle'
import { TILE_WIDTH, tilePath } from '@sotto/protocol/tile-path'
import { clientError } from '../errors.ts'
import { readBounded } from '../streams.ts'
import { OUTER_HEADERS, OUTER_INIT } from './outer-fetch.ts'

/** How long the log may take for one tile, milliseconds. */
const TIMEOUT_MS = 30_000
const HASH_BYTES = 32
const TILE_BYTES = TILE_WIDTH * HASH_BYTES

/**
 * Reads tiles of the log (C2SP tlog-tiles) for consistency proofs. Whoever serves them can at most
 * make the proof fail. Which tiles are read tells roughly when this client last looked, so they come
 * from the relay, which sees the client anyway.
 *
 * @throws `BUNDLE_UNREACHABLE` when a tile cannot be fetched
 */
export function tileReader(log: URL, fetch: typeof globalThis.fetch, signal?: AbortSignal): TileReader {
  const prefix = log.pathname.replace(/\/+$/, '')

  /** Undefined: the log has no such tile. */
  async function read(path: string): Promise<Uint8Array | undefined> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const response = await fetch(new URL(`${prefix}/${path}`, log), {
        ...OUTER_INIT,
        headers: { ...OUTER_HEADERS },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      if (response.status === 404) {
        await response.body?.cancel()
        return undefined
      }
      const bytes = response.status === 200 ? await readBounded(response.body, TILE_BYTES) : undefined
      if (bytes !== undefined) return bytes
      throw new Error(`status ${response.status}`)
    } catch (cause) {
      signal?.throwIfAborted()
      throw unreachable(path, cause)
    }
  }

  return async (tile) => {
    const path = tilePath(tile)
    const bytes =
      (await read(path)) ??
      // A partial tile may be gone once the full one exists (C2SP tlog-tiles, "Partial Tiles").
      (tile.width < TILE_WIDTH ? await read(tilePath({ ...tile, width: TILE_WIDTH })) : undefined)
    if (bytes === undefined) throw unreachable(path)
    return bytes.subarray(0, tile.width * HASH_BYTES)
  }
}

function unreachable(path: string, cause?: unknown): Error {
  return clientError(
    'BUNDLE_UNREACHABLE',
    'the log does not answer, so it cannot be shown that it only grew',
    { found: path, ...(cause !== undefined && { cause }) },
  )
}

import { type TileReader } from '@sotto/protocol/merkle'
import { TILE_WIDTH, tilePath } from '@sotto/protocol/tile-path'
import { clientError } from '../errors.ts'
import { readBounded } from '../streams.ts'
import { OUTER_HEADERS, OUTER_INIT } from './outer-fetch.ts'

/** How long the log may take for one tile, milliseconds. */
const TIMEOUT_MS = 30_000

/**
 * Reads tiles of the log (C2SP tlog-tiles) for consistency proofs. Whoever serves them can at most
 * make the proof fail. Which tiles are read tells roughly when this client last looked, so they come
 * from the relay, which sees the client anyway.
 *
 * @throws `BUNDLE_UNREACHABLE` when a tile cannot be fetched
 */
export function tileReader(log: URL, fetch: typeof globalThis.fetch, signal?: AbortSignal): TileReader {
  return async (tile) => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const response = await fetch(new URL(`${log.pathname.replace(/\/+$/, '')}/${tilePath(tile)}`, log), {
        ...OUTER_INIT,
        headers: { ...OUTER_HEADERS },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      const bytes = response.status === 200 ? await readBounded(response.body, TILE_WIDTH * 32) : undefined
      if (bytes !== undefined) return bytes
      throw new Error(`status ${response.status}`)
    } catch (cause) {
      signal?.throwIfAborted()
      throw clientError(
        'BUNDLE_UNREACHABLE',
        'the log does not answer, so it cannot be shown that it only grew',
        {
          found: tilePath(tile),
          cause,
        },
      )
    }
  }
}

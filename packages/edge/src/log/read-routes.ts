import { parseTilePath, TILE_WIDTH } from '@sotto/protocol/tile-path'
import { concat, uint } from '@sotto/protocol/bytes'
import type { LogStore } from './store.ts'

const IMMUTABLE = 'public, max-age=31536000, immutable'

/**
 * Answers one tile or entry bundle of the *published* tree, or undefined: what no witness has seen
 * is not shown to anybody.
 */
export function readTile(store: LogStore, publishedSize: number, path: string): Response | undefined {
  const request = parseTilePath(path)
  if (request === undefined) return undefined
  const level = request.level === 'entries' ? 0 : request.level
  const start = request.index * TILE_WIDTH
  if (start + request.width > Math.floor(publishedSize / TILE_WIDTH ** level)) return undefined
  const items =
    request.level === 'entries'
      ? bundle(store.readEntries(start, request.width))
      : store.readHashes(level, start, request.width)
  const headers = { 'content-type': 'application/octet-stream', 'cache-control': IMMUTABLE }
  return new Response(concat(...items) as Uint8Array<ArrayBuffer>, { headers })
}

/** Each entry after its length as a big-endian uint16 (C2SP tlog-tiles, "Log entries"). */
function bundle(entries: readonly Uint8Array[]): Uint8Array[] {
  return entries.flatMap((entry) => [uint(entry.length, 2), entry])
}

import { parseTilePath, TILE_WIDTH } from '@sotto/protocol/tile-path'
import type { DocumentKind } from './documents.ts'

const HASH_BYTES = 32
const TILES = '/log/tile/'

/** The newest checkpoint of the log (C2SP tlog-tiles). */
export const LOG_CHECKPOINT: DocumentKind = {
  path: '/log/checkpoint',
  contentType: 'text/plain',
  maxBytes: 64 * 1024,
  owner: 'log',
}

/**
 * The tile of hashes at `path`, which a client controls; undefined for every other path and every
 * second spelling. Entries are not passed on: clients prove with hashes, and who audits entries asks
 * the log.
 */
export function logTile(path: string): DocumentKind | undefined {
  if (!path.startsWith(TILES)) return undefined
  const tile = parseTilePath(path.slice(TILES.length))
  if (tile === undefined || tile.level === 'entries') return undefined
  return {
    path,
    contentType: 'application/octet-stream',
    maxBytes: TILE_WIDTH * HASH_BYTES,
    owner: 'log',
  }
}

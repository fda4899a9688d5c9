import { TILE_WIDTH } from './write.ts'

/** A resource below `/log/tile/`: a tile of hashes, or a bundle of entries. */
export interface TileRequest {
  /** 0 to 63; `entries` for entry bundles. */
  level: number | 'entries'
  index: number
  /** 1 to 256; below 256 for a partial one. */
  width: number
}

const PATH = /^(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/**
 * Reads the path after `/tile/` (C2SP tlog-tiles); undefined for every spelling the specification
 * does not have, so that one resource has one address and caches hold it once.
 */
export function parseTilePath(path: string): TileRequest | undefined {
  const match = PATH.exec(path)
  if (match === null) return undefined
  const [, level, groups, width] = match
  // A leading group of zeros would be a second spelling of the same index.
  if (groups!.startsWith('x000')) return undefined
  const index = Number(groups!.replaceAll(/[x/]/g, ''))
  const request: TileRequest = {
    level: level === 'entries' ? 'entries' : Number(level),
    index,
    width: width === undefined ? TILE_WIDTH : Number(width),
  }
  if (request.level !== 'entries' && request.level > 63) return undefined
  if (width !== undefined && request.width >= TILE_WIDTH) return undefined
  return request
}

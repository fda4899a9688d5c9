export { parseTilePath, type TileRequest } from './read.ts'
export { entryBundlePath, TILE_WIDTH, tilePath, type TileId } from './write.ts'

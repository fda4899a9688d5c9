export { hashLayer, writeLayer } from './layer-hash.ts'
export { BLOCK_BYTES, createVerityTree, type VerityTree } from './merkle.ts'
export type { BlockSink } from './block-stream.ts'

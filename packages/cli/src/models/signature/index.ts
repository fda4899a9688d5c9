export { hashFile } from './hash-file.ts'
export { type ModelFiles, readModel, type ReadOptions } from './read-model.ts'
export { openOmsSigner } from './signer.ts'

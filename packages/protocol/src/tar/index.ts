export type { TarErrorCode } from './errors.ts'
export { encodeTarHeader, TAR_END, tarPadding, type TarHeader } from './header.ts'
export { packTar, type TarDirectory, type TarFile } from './pack.ts'
export { readTar, type TarLimits } from './read.ts'

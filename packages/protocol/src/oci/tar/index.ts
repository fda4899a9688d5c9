export type { TarTime } from './numbers.ts'
export { readTarStream, shownPath, type TarEntry, type TarEntryType, type TarLimits } from './read.ts'

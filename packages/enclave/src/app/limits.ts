/** Files of an app. */
export const MAX_FILES = 20_000
/** Folders that they lie in. */
export const MAX_FOLDERS = 100_000
/** Bytes of all of them together. */
export const MAX_CODE_BYTES: number = 512 * 2 ** 20
/** Bytes of an archive of them: for each a header and what fills its last block, and the blocks at the end. */
export const MAX_ARCHIVE_BYTES: number = MAX_CODE_BYTES + 1024 * (MAX_FILES + 1)

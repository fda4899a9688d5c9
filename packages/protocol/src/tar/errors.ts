/**
 * Codes of {@link SottoError} thrown by archives.
 * - `TAR_ENTRY` (fix-input): a path, mode or size that an archive cannot hold, or two entries that cannot lie side by side.
 * - `TAR_LIMIT` (fix-input): an archive has more files or more bytes than whoever reads it allows.
 * - `TAR_MALFORMED` (fix-input): an archive is not the one that `packTar` writes of these files.
 */
export type TarErrorCode = 'TAR_ENTRY' | 'TAR_LIMIT' | 'TAR_MALFORMED'

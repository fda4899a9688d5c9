/** Descriptor of the channel on which a capsule says the number of its first process, and its bridge that it listens. */
export const READY_DESCRIPTOR = 3
/** Descriptor of the archive with the code of the app. */
export const ARCHIVE_DESCRIPTOR = 4

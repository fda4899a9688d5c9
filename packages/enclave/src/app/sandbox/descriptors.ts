/** Descriptor of the channel on which the bridge says that it listens. */
export const READY_DESCRIPTOR = 3
/** Descriptor of the archive with the code of the app. */
export const ARCHIVE_DESCRIPTOR = 4

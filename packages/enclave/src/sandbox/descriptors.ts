/** Descriptor of the channel on which a capsule says the number of its first process, and what it is ready for. */
export const READY_DESCRIPTOR = 3
/** Descriptor of the archive that is unpacked in a capsule: the code of an app, or an image. */
export const ARCHIVE_DESCRIPTOR = 4

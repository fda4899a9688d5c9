/** Bytes of the tar of a layout, at most. */
export const MAX_LAYOUT_BYTES: number = 16 * 2 ** 30
/** Files and folders of a layout: a few for each layer of the image, and of others that lie beside it. */
export const MAX_LAYOUT_ENTRIES = 4096
/** Entries of all layers of an image together. */
export const MAX_IMAGE_ENTRIES = 200_000
/** Folders inside each other. */
export const MAX_DEPTH = 64
/** Bytes of one name: the file systems of Linux take no longer one. */
export const MAX_NAME_BYTES = 255
/** Bytes of a path in an image, and of what a link points to: Linux takes 4095 with the folder that an image lies in. */
export const MAX_PATH_BYTES = 3072
/** Bytes of all files of an image, unless an engine says otherwise. */
export const DEFAULT_IMAGE_BYTES: number = 8 * 2 ** 30
/** Bytes of all inputs of a run, unless an engine says otherwise. */
export const DEFAULT_INPUT_BYTES: number = 16 * 2 ** 30
/** Items of all inputs of a run. */
export const MAX_INPUT_FILES = 1_000_000
/** Threads and processes of a job, and files that each of them has open. */
export const MAX_PROCESSES = 512
export const MAX_OPEN_FILES = 4096
/** Bytes of a file system beyond those of its files: what fills their last pages, and a file that is too large is seen. */
export const SLACK_BYTES: number = 64 * 1024

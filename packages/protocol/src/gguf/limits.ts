/** Tensors and entries of metadata at most: the largest models there are have some thousands. */
export const MAX_TENSORS = 100_000
export const MAX_ENTRIES = 10_000

/** Items of one list: vocabularies have some hundred thousand words. */
export const MAX_LIST = 10_000_000

/** `GGML_MAX_DIMS`. */
export const MAX_DIMENSIONS = 4

/** Bytes of a key, and of the name of a tensor. */
export const MAX_NAME_BYTES = 1024

/** Bytes of a text that is read: chat templates have some tens of thousands. */
export const MAX_TEXT_BYTES = 1_048_576

/** Bytes that tensors begin at multiples of, where a file does not say; and the most that one may say. */
export const DEFAULT_ALIGNMENT = 32
export const MAX_ALIGNMENT = 65_536

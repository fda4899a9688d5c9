/** As much metadata as a sealed file takes, bytes. */
export const MAX_METADATA_BYTES = 16_384

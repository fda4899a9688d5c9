/**
 * What evidence of a machine may hold in a message. Whoever attaches something is held to the same numbers as who reads
 * it, so that too much is refused where somebody can mend it.
 */
export const EVIDENCE_LIMITS = {
  /** A processor, a token for it, and the GPUs of one machine. */
  pieces: 20,
  /** Pieces of collateral beside one of them. */
  collateral: 64,
  /** The largest piece of any kind: an event log of TDX with the rest of its area. */
  pieceBytes: 1_048_576,
  /** All pieces of evidence and collateral together. In base64 that fits the 4 MiB of a release request. */
  totalBytes: 2_621_440,
} as const

/**
 * What one file of collateral may hold. A processor and its GPUs have one each, and beside both there is room for what
 * the machine adds itself. Real ones have 20 to 100 KB.
 */
export const COLLATERAL_FILE_LIMITS = {
  pieces: EVIDENCE_LIMITS.collateral - 16,
  pieceBytes: 524_288,
  totalBytes: 524_288,
} as const

/** An X-Wing public key (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519. */
export const XWING_PUBLIC_KEY_BYTES = 1216

/** KEM identifiers (RFC 9180 Section 7.1, draft-ietf-hpke-pq Section 9). */
export const HPKE_KEM = {
  DHKEM_P256: 0x0010,
  DHKEM_P384: 0x0011,
  DHKEM_P521: 0x0012,
  DHKEM_X25519: 0x0020,
  DHKEM_X448: 0x0021,
  ML_KEM_512: 0x0040,
  ML_KEM_768: 0x0041,
  ML_KEM_1024: 0x0042,
  MLKEM768_P256: 0x0050,
  MLKEM1024_P384: 0x0051,
  /** MLKEM768-X25519, also called X-Wing. */
  X_WING: 0x647a,
} as const

/** KDF identifiers (RFC 9180 Section 7.2, draft-ietf-hpke-pq Section 5). */
export const HPKE_KDF = {
  HKDF_SHA256: 0x0001,
  HKDF_SHA384: 0x0002,
  HKDF_SHA512: 0x0003,
  SHAKE128: 0x0010,
  SHAKE256: 0x0011,
  TURBOSHAKE128: 0x0012,
  TURBOSHAKE256: 0x0013,
} as const

/** AEAD identifiers (RFC 9180 Section 7.3). */
export const HPKE_AEAD = {
  AES_128_GCM: 0x0001,
  AES_256_GCM: 0x0002,
  CHACHA20_POLY1305: 0x0003,
  EXPORT_ONLY: 0xffff,
} as const

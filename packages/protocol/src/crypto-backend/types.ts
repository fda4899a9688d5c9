/** Hash functions by their lower-case names. */
export type HashName = 'sha256' | 'sha384' | 'sha512' | 'sha3-256'

/** Hash functions that HMAC, HKDF and signatures use. */
export type Sha2Name = 'sha256' | 'sha384' | 'sha512'

/** Extendable-output functions. TurboSHAKE uses the domain byte 0x1F (RFC 9861). */
export type XofName = 'shake128' | 'shake256' | 'turboshake128' | 'turboshake256'

/** AEAD algorithms; every one has a 12-byte nonce and a 16-byte tag. */
export type AeadName = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'

/** Diffie-Hellman groups. */
export type DhGroupName = 'X25519' | 'X448' | 'P-256' | 'P-384' | 'P-521'

/** NIST curves for ECDSA. */
export type EcdsaCurveName = 'P-256' | 'P-384' | 'P-521'

/** ML-KEM parameter sets (FIPS 203 Section 8). */
export type MlKemName = 'ML-KEM-512' | 'ML-KEM-768' | 'ML-KEM-1024'

/** Length in bytes of every AEAD nonce here. */
export const AEAD_NONCE_LENGTH = 12

/** Length in bytes of every AEAD tag here. */
export const AEAD_TAG_LENGTH = 16

/** Running hash. `digest` may be called once. */
export interface IncrementalHash {
  update(part: Uint8Array): IncrementalHash
  digest(): Uint8Array
}

/**
 * Encrypts one long message in parts. Buffers that come back are owned by the caller and
 * together are `ciphertext || tag`; a backend may hold everything back until `final`.
 */
export interface AeadSealer {
  update(part: Uint8Array): Uint8Array[]
  final(): Uint8Array[]
}

/**
 * Decrypts one long message in parts. Nothing is released before the tag is verified:
 * `final` returns the whole plaintext as a list of buffers, or throws `CRYPTO_OPEN_FAILED`.
 */
export interface AeadOpener {
  update(part: Uint8Array): void
  final(tag: Uint8Array): Uint8Array[]
}

/** An AEAD key whose setup is done once. The caller owns nonce uniqueness. */
export interface AeadKey {
  readonly name: AeadName
  /** `ciphertext || tag` in one new array. */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** The same bytes as {@link seal} as a list, without a copy; for large messages. */
  sealParts(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array[]
  /** Plaintext of `ciphertext || tag`. @throws `CRYPTO_OPEN_FAILED`, for every reason alike. */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array
  /**
   * The same on another core, where the platform has one to give: several calls run beside each other and beside the caller.
   * Input is copied before it returns. For many messages of 64 KiB and more; a short one waits longer than {@link open} takes.
   */
  openAside(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array>
  sealer(nonce: Uint8Array, aad: Uint8Array): AeadSealer
  opener(nonce: Uint8Array, aad: Uint8Array): AeadOpener
}

/** Private Diffie-Hellman key, prepared for many uses. */
export interface DhPrivateKey {
  /** X25519: 32 bytes; X448: 56; NIST curves: the uncompressed point. */
  readonly publicKey: Uint8Array
  /** X25519: 32 bytes; X448: 56; NIST curves: the big-endian scalar. A copy of the secret: handle with care. */
  export(): Uint8Array
  /**
   * Shared secret with a peer who may be hostile (NIST curves: the x coordinate).
   * @throws `CRYPTO_BAD_KEY` for a point off the curve, at infinity, or of low order.
   */
  dh(peer: Uint8Array): Uint8Array
  /**
   * The whole DHKEM Decap of RFC 9180 Section 4.1 (base mode, with the group's own HKDF), where
   * the platform has it: about half the time of doing the steps one by one. @throws `CRYPTO_BAD_KEY`
   */
  dhkemDecapsulate?(enc: Uint8Array): Uint8Array
}

/** Public Diffie-Hellman key, validated and prepared for many uses. */
export interface DhPublicKey {
  readonly bytes: Uint8Array
  /** The whole DHKEM Encap of RFC 9180 Section 4.1 (base mode), where the platform has it. */
  dhkemEncapsulate?(): { enc: Uint8Array; sharedSecret: Uint8Array }
}

/** One Diffie-Hellman group. */
export interface DhGroup {
  readonly name: DhGroupName
  readonly publicKeyLength: number
  readonly privateKeyLength: number
  readonly sharedSecretLength: number
  generate(): DhPrivateKey
  /** @throws `CRYPTO_BAD_KEY` for a wrong length or a scalar out of range. */
  importPrivate(privateKey: Uint8Array): DhPrivateKey
  /** @throws `CRYPTO_BAD_KEY` for a wrong length or a point off the curve. Low order shows only in `dh`. */
  importPublic(publicKey: Uint8Array): DhPublicKey
}

/** ML-KEM decapsulation key. */
export interface MlKemPrivateKey {
  /** Encapsulation key `ek`. */
  readonly publicKey: Uint8Array
  /** The 64-byte seed `d || z`. A copy of the secret: handle with care. */
  export(): Uint8Array
  /** The expanded `dk` of FIPS 203 Section 7.1, for interoperability only. */
  exportExpanded(): Uint8Array
  /** Shared secret; a forged ciphertext of the right length gives a pseudorandom one (implicit rejection). @throws `CRYPTO_BAD_KEY` for a wrong length. */
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

/** ML-KEM encapsulation key that passed the modulus check of FIPS 203 Section 7.2. */
export interface MlKemPublicKey {
  readonly bytes: Uint8Array
  encapsulate(): { ciphertext: Uint8Array; sharedSecret: Uint8Array }
  /** Encapsulation with chosen randomness, 32 bytes. For known-answer tests only. */
  encapsulateDeterministically(randomness: Uint8Array): { ciphertext: Uint8Array; sharedSecret: Uint8Array }
}

/** One ML-KEM parameter set. */
export interface MlKem {
  readonly name: MlKemName
  readonly publicKeyLength: number
  readonly ciphertextLength: number
  generate(): MlKemPrivateKey
  /** From the 64-byte seed `d || z`. @throws `CRYPTO_BAD_KEY` */
  importPrivate(seed: Uint8Array): MlKemPrivateKey
  /** @throws `CRYPTO_BAD_KEY` for a wrong length or a coefficient that is not reduced. */
  importPublic(publicKey: Uint8Array): MlKemPublicKey
  /**
   * Decapsulation with an expanded `dk` instead of a seed, for interoperability only.
   * @throws `CRYPTO_BAD_KEY` for wrong lengths or a `dk` that fails the hash check (FIPS 203 Section 7.3)
   */
  decapsulateExpanded(expandedKey: Uint8Array, ciphertext: Uint8Array): Uint8Array
}

/** Prepared signing key. */
export interface SigningKey {
  /** Ed25519: 32 bytes; ECDSA: the uncompressed point. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** Prepared verification key. `verify` answers false for anything that is not a valid signature. */
export interface VerifyingKey {
  readonly bytes: Uint8Array
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

/** Ed25519 (RFC 8032): 32-byte seeds and public keys, 64-byte signatures. */
export interface Ed25519 {
  generate(): { seed: Uint8Array; publicKey: Uint8Array }
  importPrivate(seed: Uint8Array): SigningKey
  /** @throws `CRYPTO_BAD_KEY` for a wrong length, a non-canonical encoding or a point of low order. */
  importPublic(publicKey: Uint8Array): VerifyingKey
}

/** ECDSA with `r || s` signatures (IEEE P1363). Points are uncompressed, scalars big-endian. */
export interface Ecdsa {
  generate(curve: EcdsaCurveName): { privateKey: Uint8Array; publicKey: Uint8Array }
  importPrivate(curve: EcdsaCurveName, hash: Sha2Name, privateKey: Uint8Array): SigningKey
  /** @throws `CRYPTO_BAD_KEY` for a point off the curve. */
  importPublic(curve: EcdsaCurveName, hash: Sha2Name, publicKey: Uint8Array): VerifyingKey
}

/** RSA public key: big-endian modulus and exponent without leading zeros. */
export interface RsaPublicKey {
  modulus: Uint8Array
  exponent: Uint8Array
}

/** Verification of RSA signatures (RFC 8017); 2048 to 4096-bit moduli, odd exponents of at most 4 bytes. */
export interface Rsa {
  /** RSASSA-PSS with MGF1 of the same hash. @throws `CRYPTO_BAD_KEY` for a key out of bounds. */
  importPss(key: RsaPublicKey, hash: Sha2Name, saltLength: number): VerifyingKey
  /** RSASSA-PKCS1-v1_5. @throws `CRYPTO_BAD_KEY` for a key out of bounds. */
  importPkcs1(key: RsaPublicKey, hash: Sha2Name): VerifyingKey
}

/**
 * The part that checking needs: hashes, signatures and comparisons, no secrets. Whoever imports only this
 * brings no ciphers and no key agreement into a browser.
 */
export interface PublicCrypto {
  readonly name: 'node' | 'browser'
  /** Compares in constant time; the lengths are not secret. */
  equal(a: Uint8Array, b: Uint8Array): boolean
  /** Hash of the concatenation of the parts. */
  hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array
  sha256(...parts: readonly Uint8Array[]): Uint8Array
  sha384(...parts: readonly Uint8Array[]): Uint8Array
  sha512(...parts: readonly Uint8Array[]): Uint8Array
  createHash(name: HashName): IncrementalHash
  readonly ed25519: Ed25519
  readonly ecdsa: Ecdsa
  readonly rsa: Rsa
  /**
   * What `judge` gives or throws, where the platform verifies sooner than this library with its Ed25519 and ECDSA signatures
   * verified there, beside each other. `judge` is synchronous and then runs several times: a signature that was not asked
   * for before is none, so that it refuses; the platform is asked; and the first run in which every signature has its answer
   * counts. The others are as if somebody had broken those signatures on the way: nothing comes of them but what `judge`
   * itself keeps of a refusal, which should be nothing.
   *
   * @param foresee asks for signatures that `judge` will ask for once others are valid: each that is missing here takes
   * a run. What it gives or throws means nothing
   */
  verifyTogether<T>(judge: () => T, foresee?: () => void): Promise<T>
}

/**
 * Everything the product needs from a cryptographic library, synchronous, in raw bytes.
 * On Node it is node:crypto (OpenSSL), in browsers noble. Byte arrays that come back are new
 * and owned by the caller; arrays that go in are not kept, except where a key is imported
 * (copied). Backends give identical answers; the vector programme runs every case on both.
 */
export interface CryptoBackend extends PublicCrypto {
  /** Bytes from the system generator. `length` up to 1 MiB. */
  randomBytes(length: number): Uint8Array
  /** Output of `length` bytes for the concatenation of the parts. */
  xof(name: XofName, length: number, ...parts: readonly Uint8Array[]): Uint8Array
  hmac(hash: Sha2Name, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array
  /** HKDF-Extract (RFC 5869); `ikm` is the concatenation of the parts. An empty salt is the zero salt. */
  hkdfExtract(hash: Sha2Name, salt: Uint8Array, ...ikm: readonly Uint8Array[]): Uint8Array
  /** HKDF-Expand. @throws `CRYPTO_BAD_INPUT` when `length` exceeds 255 blocks. */
  hkdfExpand(hash: Sha2Name, prk: Uint8Array, info: Uint8Array, length: number): Uint8Array
  hkdf(hash: Sha2Name, salt: Uint8Array, ikm: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /** @throws `CRYPTO_BAD_KEY` for a key of the wrong length. */
  aead(name: AeadName, key: Uint8Array): AeadKey
  dh(name: DhGroupName): DhGroup
  mlKem(name: MlKemName): MlKem
}

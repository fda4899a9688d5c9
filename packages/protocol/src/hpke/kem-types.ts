/**
 * Randomness of an encapsulation that is not random. It exists for known-answer tests; with it
 * two messages can share a key, which reveals both.
 */
export interface InsecureFixedRandomness {
  /** As in the published vectors: input keying material for DHKEM, encapsulation randomness for the others. */
  readonly ikmE?: Uint8Array
  /** The serialised ephemeral private key itself. DHKEM only. */
  readonly skE?: Uint8Array
}

/** What an encapsulation gives. */
export interface Encapsulation {
  readonly enc: Uint8Array
  readonly sharedSecret: Uint8Array
}

/** A recipient's or sender's private key, prepared for many uses. */
export interface KemPrivateKey {
  readonly kem: HpkeKem
  /** Serialised public key. */
  readonly publicKey: Uint8Array
  /** Serialised private key. A copy of the secret: handle with care. */
  export(): Uint8Array
  /** Shared secret of an encapsulation that an attacker may have made. @throws `CRYPTO_BAD_KEY` */
  decap(enc: Uint8Array): Uint8Array
  /** AuthDecap with the sender's public key. DHKEM only. @throws `CRYPTO_BAD_KEY` */
  authDecap?(enc: Uint8Array, sender: KemPublicKey): Uint8Array
  /** AuthEncap to a recipient, from this sender. DHKEM only. @throws `CRYPTO_BAD_KEY` */
  authEncap?(recipient: KemPublicKey, insecure?: InsecureFixedRandomness): Encapsulation
}

/** A recipient's or sender's public key, checked and prepared for many uses. */
export interface KemPublicKey {
  readonly kem: HpkeKem
  readonly bytes: Uint8Array
  /** @throws `CRYPTO_BAD_KEY` for a key of low order */
  encap(insecure?: InsecureFixedRandomness): Encapsulation
}

/** A KEM of HPKE. */
export interface HpkeKem {
  readonly id: number
  /** Name as in the IANA registry. */
  readonly name: string
  /** Nsecret, Nenc, Npk and Nsk in bytes. */
  readonly secretLength: number
  readonly encLength: number
  readonly publicKeyLength: number
  readonly privateKeyLength: number
  generate(): KemPrivateKey
  /** DeriveKeyPair: the same key for the same keying material of at least Nsk bytes. @throws `HPKE_BAD_INPUT` */
  derive(ikm: Uint8Array): KemPrivateKey
  /** @throws `CRYPTO_BAD_KEY` */
  importPrivate(privateKey: Uint8Array): KemPrivateKey
  /** @throws `CRYPTO_BAD_KEY` */
  importPublic(publicKey: Uint8Array): KemPublicKey
}

import { fromBase64Url, toBase64Url } from '../bytes/index.ts'
import { crypto } from '../crypto-backend/index.ts'
import type { KemPrivateKey } from '../hpke/index.ts'
import { base64url, literal, members, type Decoder } from '../jcs/index.ts'
import { loggedStatementDecoder } from '../keyrelease/decode.ts'
import type { LoggedStatement } from '../keyrelease/types.ts'
import { WRAP_SUITE } from '../keyrelease/wrap.ts'
import { encodeCustodianKey } from './custodian-key.ts'
import type { CustodianKey } from './types.ts'

/** What a custodian keeps: two private keys, and the set its share lies in once it has accepted it. */
export interface CustodianFile {
  version: 1
  /** X-Wing private key, 32 bytes as base64url. */
  wrapSeed: string
  /** Ed25519 seed, 32 bytes as base64url. */
  signingSeed: string
  /** The newest accepted share set: a copy that depends on no log and no KMS. */
  shareSet?: LoggedStatement
}

/** The keys of a custodian's file, ready for use. */
export interface CustodianKeys {
  wrap: KemPrivateKey
  signing: { publicKey: Uint8Array; secretSeed: Uint8Array }
  key: CustodianKey
}

export const custodianFileDecoder: Decoder<CustodianFile> = members<CustodianFile>(
  { version: literal(1), wrapSeed: base64url(32), signingSeed: base64url(32) },
  { shareSet: loggedStatementDecoder },
)

/** A new custodian's file. */
export function createCustodianFile(): CustodianFile {
  const { seed } = crypto.ed25519.generate()
  return {
    version: 1,
    wrapSeed: toBase64Url(WRAP_SUITE.kem.generate().export()),
    signingSeed: toBase64Url(seed),
  }
}

/** The keys in a custodian's file. @throws `CRYPTO_BAD_KEY` */
export function openCustodianFile({ wrapSeed, signingSeed }: CustodianFile): CustodianKeys {
  const wrap = WRAP_SUITE.kem.importPrivate(fromBase64Url(wrapSeed))
  const secretSeed = fromBase64Url(signingSeed)
  const { publicKey } = crypto.ed25519.importPrivate(secretSeed)
  return { wrap, signing: { publicKey, secretSeed }, key: encodeCustodianKey(wrap.publicKey, publicKey) }
}

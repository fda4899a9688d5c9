import { concat, fromBase64, fromHex, toBase64, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { noteError } from './errors.ts'

/** C2SP signed-note signature types. */
const TYPE_BYTES = { ed25519: 1, 'cosignature-v1': 4 } as const

/** What a key signs: notes themselves (a log), or timestamped cosignatures (a witness). */
export type NoteKeyType = keyof typeof TYPE_BYTES

/** A parsed verifier key. */
export interface VerifierKey {
  readonly name: string
  readonly type: NoteKeyType
  /** First 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key), as a number would lose its order. */
  readonly keyId: Uint8Array
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
}

const NAME = /^[^\s+\p{Cc}]{1,128}$/u

/** Key names have no space and no plus sign, and at most 128 characters here. */
export function isKeyName(name: string): boolean {
  return NAME.test(name)
}

/** Verifier key text (C2SP signed-note): `name+hash+base64`. */
export function verifierKey(name: string, type: NoteKeyType, publicKey: Uint8Array): string {
  if (!isKeyName(name)) throw noteError('NOTE_MALFORMED', 'a key name has no space and no plus sign')
  if (publicKey.length !== 32) throw noteError('NOTE_MALFORMED', 'an Ed25519 key has 32 bytes')
  const typed = concat(Uint8Array.of(TYPE_BYTES[type]), publicKey)
  return `${name}+${toHex(keyIdOf(name, typed))}+${toBase64(typed)}`
}

/** Reads verifier key text from a policy. @throws `NOTE_MALFORMED` */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', hash = '', encoded = ''] =
    /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? []
  if (!isKeyName(name)) throw noteError('NOTE_MALFORMED', 'verifier key is malformed', 'name+hash+key')
  const typed = decodeBase64(encoded)
  const type = (Object.keys(TYPE_BYTES) as NoteKeyType[]).find(
    (candidate) => TYPE_BYTES[candidate] === typed[0],
  )
  if (!type || typed.length !== 33)
    throw noteError('NOTE_MALFORMED', 'verifier key has an unknown type', 'Ed25519 or cosignature/v1')
  const keyId = keyIdOf(name, typed)
  if (toHex(keyId) !== hash)
    throw noteError(
      'NOTE_MALFORMED',
      'verifier key hash does not match its key',
      toHex(keyId),
      toHex(fromHex(hash)),
    )
  return { name, type, keyId, publicKey: typed.subarray(1) }
}

/** Bytes of base64 inside a note or key. @throws `NOTE_MALFORMED` */
export function decodeBase64(text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch {
    throw noteError('NOTE_MALFORMED', 'base64 is malformed')
  }
}

function keyIdOf(name: string, typedKey: Uint8Array): Uint8Array {
  return publicCrypto.sha256(utf8(`${name}\n`), typedKey).subarray(0, 4)
}

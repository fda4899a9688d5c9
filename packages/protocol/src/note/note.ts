import { concat, equalBytes, toBase64, uint, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { noteError } from './errors.ts'
import {
  decodeBase64,
  isKeyName,
  parseVerifierKey,
  verifierKey,
  type NoteKeyType,
  type VerifierKey,
} from './keys.ts'

/** One signature line of a note. */
export interface NoteSignature {
  readonly name: string
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

/** A structurally valid signed note (C2SP signed-note); nothing about its signatures is known. */
export interface Note {
  /** The signed text, with its final newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** Longest accepted note and most signature lines. */
const MAX_NOTE_LENGTH = 65_536
const MAX_SIGNATURES = 64

/** Structure of a note from anywhere. @throws `NOTE_MALFORMED` */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_LENGTH) throw noteError('NOTE_MALFORMED', 'note is too long')
  if (!note.isWellFormed() || /(?!\n)\p{Cc}/u.test(note))
    throw noteError('NOTE_MALFORMED', 'note has a control character')
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n')) throw noteError('NOTE_MALFORMED', 'note has no signature block')
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) throw noteError('NOTE_MALFORMED', 'note has too many signatures')
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignatureLine) }
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? []
  if (!isKeyName(name)) throw noteError('NOTE_MALFORMED', 'signature line is malformed')
  const bytes = decodeBase64(encoded)
  if (bytes.length < 5) throw noteError('NOTE_MALFORMED', 'signature is too short')
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) }
}

/** Who signs notes or cosigns them. */
export interface NoteSigner {
  name: string
  /** Ed25519 seed, 32 bytes. */
  secretSeed: Uint8Array
}

/** The verifier key others need for a signer's notes or cosignatures. */
export function verifierKeyOf(signer: NoteSigner, type: NoteKeyType): string {
  return verifierKey(signer.name, type, publicCrypto.ed25519.importPrivate(signer.secretSeed).publicKey)
}

/** A whole note: the text (with its final newline), a blank line, one signature. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!text.endsWith('\n') || text.includes('\n\n'))
    throw noteError('NOTE_MALFORMED', 'note text ends in a newline and has no blank line')
  const { keyId } = parseVerifierKey(verifierKeyOf(signer, 'ed25519'))
  const signature = publicCrypto.ed25519.importPrivate(signer.secretSeed).sign(utf8(text))
  return `${text}\n${signatureLine(signer.name, concat(keyId, signature))}`
}

/** True when the note carries a good Ed25519 signature of this key. */
export function isSignedBy(note: Note, key: VerifierKey): boolean {
  if (key.type !== 'ed25519') return false
  return note.signatures.some((line) => isBy(line, key) && verify(key, utf8(note.text), line.signature))
}

/** A cosignature line (C2SP tlog-cosignature v1) over a checkpoint's text at `time`, Unix seconds. */
export function cosign(text: string, witness: NoteSigner, time: number): string {
  const { keyId } = parseVerifierKey(verifierKeyOf(witness, 'cosignature-v1'))
  const signature = publicCrypto.ed25519.importPrivate(witness.secretSeed).sign(cosignedMessage(text, time))
  return signatureLine(witness.name, concat(keyId, timestamp(time), signature))
}

/** Time of this witness's cosignature, if the note carries a good one; the newest if it carries several. */
export function cosignatureTime(note: Note, key: VerifierKey): number | undefined {
  if (key.type !== 'cosignature-v1') return undefined
  let newest: number | undefined
  for (const line of note.signatures) {
    if (!isBy(line, key) || line.signature.length !== 72) continue
    const time = Number(new DataView(line.signature.buffer, line.signature.byteOffset, 8).getBigUint64(0))
    if (!Number.isSafeInteger(time) || time === 0) continue
    if (verify(key, cosignedMessage(note.text, time), line.signature.subarray(8)))
      newest = Math.max(newest ?? 0, time)
  }
  return newest
}

function cosignedMessage(text: string, time: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`)
}

function timestamp(time: number): Uint8Array {
  return concat(uint(Math.floor(time / 2 ** 32), 4), uint(time % 2 ** 32, 4))
}

function isBy(line: NoteSignature, key: VerifierKey): boolean {
  return line.name === key.name && equalBytes(line.keyId, key.keyId)
}

function verify(key: VerifierKey, message: Uint8Array, signature: Uint8Array): boolean {
  return (
    signature.length === 64 && publicCrypto.ed25519.importPublic(key.publicKey).verify(message, signature)
  )
}

function signatureLine(name: string, bytes: Uint8Array): string {
  return `\u2014 ${name} ${toBase64(bytes)}\n`
}

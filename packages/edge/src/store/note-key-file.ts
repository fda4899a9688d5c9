import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { concat, fromBase64, toBase64 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type NoteKeyType, type NoteSigner, verifierKeyOf } from '@sotto/protocol/note'
import { edgeError } from '../errors.ts'
import { writeFileDurably } from './durable-file.ts'

/** Algorithm byte of an Ed25519 seed (C2SP signed-note). */
const ED25519 = 1
const LINE = /^PRIVATE\+KEY\+([^+\s]{1,128})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n$/

/**
 * The signer whose key is in `file`, made on first use (mode 0600). The file is one line,
 * `PRIVATE+KEY+name+hash+base64(1 ‖ seed)`, as other tools for signed notes write it.
 *
 * @param mayCreate false when there are records that only the old key explains
 * @throws `STORE_KEY_MISSING` when it may not be made, is damaged, or has another name or type
 */
export function openNoteKey(file: string, name: string, type: NoteKeyType, mayCreate: boolean): NoteSigner {
  if (!existsSync(file)) {
    if (!mayCreate)
      throw edgeError('STORE_KEY_MISSING', 'the store has records, but its key is gone', { found: file })
    const signer = { name, secretSeed: crypto.ed25519.generate().seed }
    writeFileDurably(file, encode(signer, type), 0o600)
  }
  chmodSync(file, 0o600)
  const [, storedName, , encoded] = LINE.exec(readFileSync(file, 'latin1')) ?? []
  const bytes = encoded === undefined ? new Uint8Array() : fromBase64(encoded)
  const signer = { name, secretSeed: bytes.subarray(1) }
  if (
    bytes.length !== 33 ||
    bytes[0] !== ED25519 ||
    storedName !== name ||
    readFileSync(file, 'latin1') !== encode(signer, type)
  ) {
    throw edgeError('STORE_KEY_MISSING', "the key file is not this name's key", {
      expected: name,
      ...(storedName !== undefined && { found: storedName }),
    })
  }
  return signer
}

function encode(signer: NoteSigner, type: NoteKeyType): string {
  const [, hash] = verifierKeyOf(signer, type).split('+')
  return `PRIVATE+KEY+${signer.name}+${hash}+${toBase64(concat(Uint8Array.of(ED25519), signer.secretSeed))}\n`
}

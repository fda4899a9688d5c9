import { createPrivateKey, type KeyObject } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type MemberAlgorithm, type MemberSigner, memberSigner } from '@sotto/protocol/governance'
import { base64url, literal, object, oneOf, parseStrictJson } from '@sotto/protocol/jcs'
import { cliError } from '../errors.ts'
import { createPrivateFile, type PrivateFile, readPrivateFile } from '../input/index.ts'

/** What a member keeps in a file that nobody else can read. */
interface MemberKeyFile {
  version: 1
  algorithm: MemberAlgorithm
  /** Ed25519 seed or P-256 scalar, 32 bytes as base64url. */
  secret: string
}

const decodeFile = object<MemberKeyFile>({
  version: literal(1),
  algorithm: oneOf<MemberAlgorithm>('EdDSA', 'ES256'),
  secret: base64url(32),
})

/** A key file is a few hundred bytes, a PEM file a few kilobytes. */
const MAX_KEY_FILE_BYTES = 16 * 1024
const MAKES_ONE = 'sotto keys new makes one; sotto keys new --from FILE reads a PEM file'
const KEY_FILE: PrivateFile = { maxBytes: MAX_KEY_FILE_BYTES, hint: MAKES_ONE }
const PEM_FILE: PrivateFile = {
  maxBytes: MAX_KEY_FILE_BYTES,
  hint: 'name an unencrypted PKCS#8 PEM file, Ed25519 or P-256',
}

/** A secret with the algorithm it is for. Never printed. */
export interface MemberSecret {
  algorithm: MemberAlgorithm
  secret: Uint8Array
}

/** A fresh key. */
export function createMemberSecret(algorithm: MemberAlgorithm): MemberSecret {
  const secret =
    algorithm === 'EdDSA' ? crypto.ed25519.generate().seed : crypto.ecdsa.generate('P-256').privateKey
  return { algorithm, secret }
}

/** Writes a key file, whole, for its owner alone. An existing file is never replaced. @throws `CLI_FILE` */
export async function writeMemberKey(file: string, { algorithm, secret }: MemberSecret): Promise<void> {
  const content: MemberKeyFile = { version: 1, algorithm, secret: toBase64Url(secret) }
  await createPrivateFile(
    file,
    `${JSON.stringify(content)}\n`,
    'whoever loses a member key needs a new constitution',
  )
}

/** Reads a key file. @throws `CLI_FILE` unreadable, readable by others, or no key */
export async function readMemberKey(file: string): Promise<MemberSigner> {
  const text = await readPrivateFile(file, KEY_FILE)
  try {
    const { algorithm, secret } = decodeFile(parseStrictJson(text), 'key')
    return memberSigner(algorithm, fromBase64Url(secret))
  } catch {
    // The decoder's own words could name what stands in the file.
    throw cliError('CLI_FILE', `${file} is not a member key`, { hint: MAKES_ONE })
  }
}

/** The private key of a PKCS#8 PEM file that another tool wrote: Ed25519 or P-256. @throws `CLI_FILE` */
export async function readPemSecret(file: string): Promise<MemberSecret> {
  const pem = await readPrivateFile(file, PEM_FILE)
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw cliError('CLI_FILE', `${file} is not an unencrypted private key in PEM`, {
      expected: 'BEGIN PRIVATE KEY (PKCS#8)',
    })
  }
  const { kty, crv, d } = key.export({ format: 'jwk' })
  if (kty === 'OKP' && crv === 'Ed25519') return { algorithm: 'EdDSA', secret: fromBase64Url(d!) }
  if (kty === 'EC' && crv === 'P-256') return { algorithm: 'ES256', secret: fromBase64Url(d!) }
  throw cliError('CLI_FILE', `${file} holds another kind of key`, {
    expected: 'Ed25519 or P-256',
    found: `${key.asymmetricKeyType ?? kty}${crv === undefined ? '' : ` ${crv}`}`,
  })
}

/** The key in a file, made on first use. @throws `CLI_FILE` */
export async function openMemberKey(file: string): Promise<MemberSigner> {
  if ((await stat(file).catch(() => undefined)) === undefined)
    await writeMemberKey(file, createMemberSecret('EdDSA'))
  return readMemberKey(file)
}

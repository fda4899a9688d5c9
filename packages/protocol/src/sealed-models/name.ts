import { publicCrypto } from '../crypto-backend/index.ts'
import { fromBase64Url } from '../bytes/index.ts'
import type { Ed25519Key } from '../keyrelease/types.ts'
import { sealedModelError } from './errors.ts'

/** What an owner may call a model. */
export const MODEL_NAME: RegExp = /^[a-z0-9][a-z0-9._-]{0,62}$/
/** See {@link ownerTag}. */
export const OWNER_TAG: RegExp = /^[a-z2-7]{24}$/
/** Highest version number. */
export const MAX_MODEL_VERSION: number = 2 ** 31

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const TAG_BYTES = 15
const LONGEST_NAME = 24 + 1 + 63 + 1 + 10

/** A model as requests name it. */
export interface ModelName {
  /** Owner tag. */
  tag: string
  name: string
  /** Exactly this one; absent: the highest. */
  version?: number
}

/**
 * The owner's part of public names: lower-case base32 (RFC 4648 Section 6, no padding) of the first 15 bytes of the
 * SHA-256 of the public key, 24 characters. 120 bits: nobody finds a second key for a given tag.
 *
 * @param owner 32 bytes, or their base64url
 */
export function ownerTag(owner: Uint8Array | Ed25519Key): string {
  const key = typeof owner === 'string' ? fromBase64Url(owner) : owner
  const hash = publicCrypto.sha256(key).subarray(0, TAG_BYTES)
  let tag = ''
  for (let at = 0; at < TAG_BYTES; at += 5) {
    // Five bytes are eight characters; 40 bits are exact in a double.
    let bits = hash.subarray(at, at + 5).reduce((sum, byte) => sum * 256 + byte, 0)
    let group = ''
    for (let n = 0; n < 8; n++) {
      group = BASE32[bits % 32]! + group
      bits = Math.floor(bits / 32)
    }
    tag += group
  }
  return tag
}

/** `<tag>/<name>` or `<tag>/<name>:<version>`, as somebody wrote it. @throws `MODEL_NAME` */
export function parseModelName(text: string): ModelName {
  const [, tag = '', name = '', version] =
    /^([^/:]*)\/([^/:]*)(?::([1-9]\d{0,9}))?$/.exec(text.slice(0, LONGEST_NAME + 1)) ?? []
  const number = version === undefined ? undefined : Number(version)
  if (
    !OWNER_TAG.test(tag) ||
    !MODEL_NAME.test(name) ||
    (number !== undefined && number > MAX_MODEL_VERSION) ||
    text.length > LONGEST_NAME
  ) {
    throw sealedModelError('MODEL_NAME', "this is no name of an owner's model", {
      expected: '<24 characters of the owner>/<name>, with :<version> for exactly that one',
    })
  }
  return { tag, name, ...(number !== undefined && { version: number }) }
}

/** Whether text has the form that {@link parseModelName} reads: a model of an owner, not of the operator. */
export function isModelName(text: string): boolean {
  try {
    parseModelName(text)
    return true
  } catch {
    return false
  }
}

/** The text that {@link parseModelName} reads. */
export function formatModelName({ tag, name, version }: ModelName): string {
  return `${tag}/${name}${version === undefined ? '' : `:${version}`}`
}

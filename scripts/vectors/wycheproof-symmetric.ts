import { concat, fromHex, toHex } from '@sotto/protocol/bytes'
import {
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  type AeadName,
  crypto,
  type Sha2Name,
} from '@sotto/protocol/crypto-backend'
import { expectEqual, expectHex, expectRefused } from './harness.ts'
import {
  bytes,
  number,
  text,
  type WycheproofGroup,
  type WycheproofRunner,
  type WycheproofTest,
} from './wycheproof-types.ts'

const HKDF: Record<string, Sha2Name> = {
  'HKDF-SHA-256': 'sha256',
  'HKDF-SHA-384': 'sha384',
  'HKDF-SHA-512': 'sha512',
}
const HMAC: Record<string, Sha2Name> = { HMACSHA256: 'sha256', HMACSHA384: 'sha384', HMACSHA512: 'sha512' }

/** AEADs, HKDF and HMAC. */
export const symmetricCases: WycheproofRunner = (algorithm, group) => {
  if (group.type === 'AeadTest' && algorithm === 'AES-GCM') {
    // Keys of 192 bits belong to no name here: the import must refuse them.
    const name = group['keySize'] === 128 ? 'aes-128-gcm' : 'aes-256-gcm'
    return (test) => () => checkAead(name, group, test)
  }
  if (group.type === 'AeadTest' && algorithm === 'CHACHA20-POLY1305') {
    return (test) => () => checkAead('chacha20-poly1305', group, test)
  }
  const hkdf = HKDF[algorithm]
  if (group.type === 'HkdfTest' && hkdf !== undefined) return (test) => () => checkHkdf(hkdf, test)
  const hmac = HMAC[algorithm]
  if (group.type === 'MacTest' && hmac !== undefined)
    return (test) => () => checkMac(hmac, number(group, 'tagSize'), test)
  return undefined
}

function checkAead(name: AeadName, group: WycheproofGroup, test: WycheproofTest): void | 'by design' {
  const [key, nonce, aad] = [bytes(test, 'key'), bytes(test, 'iv'), bytes(test, 'aad')]
  const [ct, tag] = [bytes(test, 'ct'), bytes(test, 'tag')]
  const sizes = [key.length * 8, nonce.length * 8, ...(test.result === 'invalid' ? [] : [tag.length * 8])]
  const stated = [group['keySize'], group['ivSize'], group['tagSize']].slice(0, sizes.length)
  expectEqual('sizes', sizes, stated)
  const sealed = concat(ct, tag)
  // The product has no 192-bit keys, no short tags, and no nonces but the ones of 96 bits.
  const isOurs =
    key.length !== 24 &&
    nonce.length === AEAD_NONCE_LENGTH &&
    number(group, 'tagSize') === 8 * AEAD_TAG_LENGTH
  if (!isOurs) {
    expectRefused('seal', () => crypto.aead(name, key).seal(nonce, aad, ct), ...NOT_OURS)
    // Some of these have no tag at all, which may be seen first.
    const codes = sealed.length < AEAD_TAG_LENGTH ? [...NOT_OURS, 'CRYPTO_OPEN_FAILED'] : NOT_OURS
    expectRefused('open', () => crypto.aead(name, key).open(nonce, aad, sealed), ...codes)
    return test.result === 'invalid' ? undefined : 'by design'
  }
  const aead = crypto.aead(name, key)
  const opener = aead.opener(nonce, aad)
  opener.update(ct)
  if (test.result === 'invalid') {
    expectRefused('open', () => aead.open(nonce, aad, sealed), 'CRYPTO_OPEN_FAILED')
    return expectRefused('open in parts', () => opener.final(tag), 'CRYPTO_OPEN_FAILED')
  }
  expectHex('sealed', aead.seal(nonce, aad, bytes(test, 'msg')), toHex(sealed))
  expectHex('msg', aead.open(nonce, aad, sealed), text(test, 'msg'))
  expectHex('msg in parts', concat(...opener.final(tag)), text(test, 'msg'))
}

/** Parameters that the product lacks are refused as such, before anything is computed with them. */
const NOT_OURS = ['CRYPTO_BAD_KEY', 'CRYPTO_BAD_INPUT']

function checkHkdf(hash: Sha2Name, test: WycheproofTest): void {
  const [ikm, salt, info] = [bytes(test, 'ikm'), bytes(test, 'salt'), bytes(test, 'info')]
  const size = number(test, 'size')
  const derive = (): Uint8Array => crypto.hkdf(hash, salt, ikm, info, size)
  if (test.result === 'invalid') expectRefused('okm', derive, 'CRYPTO_BAD_INPUT')
  else expectHex('okm', derive(), text(test, 'okm'))
}

function checkMac(hash: Sha2Name, tagSize: number, test: WycheproofTest): void {
  const mac = crypto.hmac(hash, bytes(test, 'key'), bytes(test, 'msg')).subarray(0, tagSize / 8)
  expectEqual('tag', toHex(mac) === toHex(fromHex(text(test, 'tag'))), test.result !== 'invalid')
}

import { concat, fromHex } from '@sotto/protocol/bytes'
import { AEAD_NONCE_LENGTH, type AeadName, crypto, type Sha2Name } from '@sotto/protocol/crypto-backend'
import { expectHex, expectRefused } from './harness.ts'
import { text, type WycheproofRunner, type WycheproofTest } from './wycheproof-types.ts'

const HKDF: Record<string, Sha2Name> = {
  'HKDF-SHA-256': 'sha256',
  'HKDF-SHA-384': 'sha384',
  'HKDF-SHA-512': 'sha512',
}

/** AEADs, HKDF and X25519. */
export const symmetricCases: WycheproofRunner = (algorithm, group) => {
  if (group.type === 'AeadTest' && algorithm === 'AES-GCM') {
    return (test) => () =>
      checkAead(group['keySize'] === 128 ? 'aes-128-gcm' : 'aes-256-gcm', Number(group['tagSize']), test)
  }
  if (group.type === 'AeadTest' && algorithm === 'CHACHA20-POLY1305') {
    return (test) => () => checkAead('chacha20-poly1305', Number(group['tagSize']), test)
  }
  const hash = HKDF[algorithm]
  if (group.type === 'HkdfTest' && hash !== undefined) return (test) => () => checkHkdf(hash, test)
  if (group.type === 'XdhComp' && algorithm === 'XDH' && group['curve'] === 'curve25519')
    return (test) => () => checkX25519(test)
  return undefined
}

function checkAead(name: AeadName, tagSize: number, test: WycheproofTest): void | 'by design' {
  const [key, nonce, aad, msg] = ['key', 'iv', 'aad', 'msg'].map((field) => fromHex(text(test, field))) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const sealed = concat(fromHex(text(test, 'ct')), fromHex(text(test, 'tag')))
  // The product has no 192-bit keys, no short tags, and no nonces but the ones of 96 bits.
  const isOurs = key.length !== 24 && nonce.length === AEAD_NONCE_LENGTH && tagSize === 128
  if (!isOurs || test.result === 'invalid') {
    const codes = isOurs
      ? ['CRYPTO_OPEN_FAILED']
      : ['CRYPTO_BAD_KEY', 'CRYPTO_BAD_INPUT', 'CRYPTO_OPEN_FAILED']
    expectRefused('open', () => crypto.aead(name, key).open(nonce, aad, sealed), ...codes)
    return test.result === 'invalid' ? undefined : 'by design'
  }
  const aead = crypto.aead(name, key)
  expectHex('sealed', aead.seal(nonce, aad, msg), text(test, 'ct') + text(test, 'tag'))
  expectHex('msg', aead.open(nonce, aad, sealed), text(test, 'msg'))
  const opener = aead.opener(nonce, aad)
  opener.update(sealed.subarray(0, -16))
  expectHex('msg in parts', concat(...opener.final(sealed.subarray(-16))), text(test, 'msg'))
}

function checkHkdf(hash: Sha2Name, test: WycheproofTest): void {
  const [ikm, salt, info] = ['ikm', 'salt', 'info'].map((field) => fromHex(text(test, field))) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const derive = (): Uint8Array => crypto.hkdf(hash, salt, ikm, info, Number(test['size']))
  if (test.result === 'invalid') expectRefused('okm', derive, 'CRYPTO_BAD_INPUT')
  else expectHex('okm', derive(), text(test, 'okm'))
}

function checkX25519(test: WycheproofTest): void {
  const key = crypto.dh('X25519').importPrivate(fromHex(text(test, 'private')))
  const dh = (): Uint8Array => key.dh(fromHex(text(test, 'public')))
  // "acceptable" leaves the choice: a shared secret of zeros is refused, everything else must be right.
  const isZero = /^0*$/.test(text(test, 'shared'))
  if (test.result === 'invalid' || isZero) expectRefused('dh', dh, 'CRYPTO_BAD_KEY')
  else expectHex('shared', dh(), text(test, 'shared'))
}

import { fromHex } from '@sotto/protocol/bytes'
import { crypto, type DhGroup, type DhGroupName } from '@sotto/protocol/crypto-backend'
import { expectHex, expectRefused } from './harness.ts'
import { bytes, text, type WycheproofRunner, type WycheproofTest } from './wycheproof-types.ts'

const GROUPS: Record<string, DhGroupName> = {
  curve25519: 'X25519',
  curve448: 'X448',
  secp256r1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}
const TYPES: Record<string, string> = { XdhComp: 'XDH', EcdhEcpointTest: 'ECDH' }

/** Diffie-Hellman with raw public keys: X25519, X448 and the NIST curves. */
export const agreementCases: WycheproofRunner = (algorithm, group) => {
  const name = GROUPS[String(group['curve'])]
  if (name === undefined || TYPES[group.type] !== algorithm) return undefined
  return (test) => () => checkAgreement(crypto.dh(name), test)
}

function checkAgreement(group: DhGroup, test: WycheproofTest): void {
  const key = group.importPrivate(scalar(group, text(test, 'private')))
  const peer = bytes(test, 'public')
  const dh = (): Uint8Array => key.dh(peer)
  // "acceptable" leaves the choice: zeros from X25519 and X448 and compressed points are refused,
  // everything else must be right.
  const isZero = isMontgomery(group) && text(test, 'shared') === '00'.repeat(group.sharedSecretLength)
  const isCompressed = !isMontgomery(group) && peer.length !== group.publicKeyLength
  const isRefused = isZero || (isCompressed && test.result === 'acceptable')
  if (test.result === 'invalid' || isRefused) expectRefused('dh', dh, 'CRYPTO_BAD_KEY')
  else expectHex('shared', dh(), text(test, 'shared'))
}

/** Scalars of NIST curves are written as integers: with a zero before a set top bit, or shorter than the order. */
function scalar(group: DhGroup, hex: string): Uint8Array {
  if (isMontgomery(group)) return fromHex(hex)
  const digits = 2 * group.privateKeyLength
  return fromHex(hex.replace(/^0+/, '').padStart(digits, '0'))
}

function isMontgomery({ name }: DhGroup): boolean {
  return name === 'X25519' || name === 'X448'
}

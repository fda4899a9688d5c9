import { crypto } from '@sotto/protocol/crypto-backend'
import { Random } from './random.ts'

/**
 * Makes the keys, salts and ECDSA signatures of this process the same in every run, so that documents made here
 * are the same too and a seed makes an input again. Only for a process that fuzzes parsers: such signatures fit
 * no key.
 */
export function fixKeys(): void {
  const random = new Random(0x5077)
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.next())
  crypto.randomBytes = bytes
  crypto.ed25519.generate = () => {
    const seed = bytes(32)
    return { seed, publicKey: crypto.ed25519.importPrivate(seed).publicKey }
  }
  crypto.ecdsa.generate = (curve) => {
    const group = crypto.dh(curve)
    const privateKey = bytes(group.privateKeyLength)
    // Below the order of every curve, P-521's too.
    privateKey[0] = 0
    return { privateKey, publicKey: group.importPrivate(privateKey).publicKey }
  }
  crypto.ecdsa.importPrivate = (curve, _hash, privateKey) => {
    const group = crypto.dh(curve)
    const { publicKey } = group.importPrivate(privateKey)
    return { publicKey, sign: () => bytes(2 * group.privateKeyLength) }
  }
}

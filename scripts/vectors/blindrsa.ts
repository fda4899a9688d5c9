import { fromHex, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { blind, finalize } from '@sotto/protocol/tokens'
import { expectHex, expectRefused, perFile, type VectorCase, type VectorFamily } from './harness.ts'
import { type IssuerSecret, signAsIssuer } from './issuer-half.ts'

/** RFC 9474 Appendix A. Numbers are hexadecimal with 0x in front, texts without. */
interface Vector {
  name: string
  p: string
  q: string
  n: string
  e: string
  d: string
  input_msg: string
  salt: string
  inv: string
  blinded_msg: string
  blind_sig: string
  sig: string
}

/** Blind RSA signatures: all four variants, whose messages are prepared already. */
export const blindrsa: VectorFamily = perFile('transport/blindrsa', function* (file) {
  for (const vector of JSON.parse(file.text) as Vector[]) yield [vector.name, () => check(vector)]
})

function check(vector: Vector): ReturnType<VectorCase['run']> {
  const [modulus, message, salt] = [number(vector.n), fromHex(vector.input_msg), fromHex(vector.salt)]
  const key = { modulus, exponent: new Uint8Array([1, 0, 1]) }
  const inverse = number(vector.inv)
  const blindingFactor = inverseOf(inverse, modulus)
  const blinded = blind(key, message, { salt, blindingFactor })
  expectHex('blinded message', blinded.blindedMessage, vector.blinded_msg)
  expectHex('inverse', blinded.inverse, vector.inv.slice(2).padStart(2 * modulus.length, '0'))
  const signed = signAsIssuer(secretOf(vector), modulus, blinded.blindedMessage) ?? fromHex(vector.blind_sig)
  expectHex('blind signature', signed, vector.blind_sig)
  expectHex('signature', finalize(key, message, signed, inverse, salt.length), vector.sig)
  const wrong = signed.slice()
  wrong[wrong.length - 1]! ^= 1
  expectRefused(
    'a changed blind signature',
    () => finalize(key, message, wrong, inverse, salt.length),
    'TOKEN_UNSIGNED',
  )
}

function secretOf({ n, e, d, p, q }: Vector): IssuerSecret {
  const [pInt, qInt, dInt] = [p, q, d].map(BigInt) as [bigint, bigint, bigint]
  return {
    kty: 'RSA',
    n: text(BigInt(n)),
    e: text(BigInt(e)),
    d: text(dInt),
    p: text(pInt),
    q: text(qInt),
    dp: text(dInt % (pInt - 1n)),
    dq: text(dInt % (qInt - 1n)),
    qi: text(invert(qInt, pInt)),
  }
}

/** Big-endian; of the shortest length, or of this one. */
function number(hex: string, length = 0): Uint8Array {
  const digits = hex.slice(2)
  return fromHex(digits.padStart(Math.max(2 * length, digits.length + (digits.length % 2)), '0'))
}

function text(value: bigint): string {
  return toBase64Url(number(`0x${value.toString(16)}`))
}

function inverseOf(value: Uint8Array, modulus: Uint8Array): Uint8Array {
  const [v, n] = [value, modulus].map((bytes) => BigInt(`0x${toHex(bytes)}`)) as [bigint, bigint]
  return number(`0x${invert(v, n).toString(16)}`, modulus.length)
}

function invert(value: bigint, modulus: bigint): bigint {
  let [r0, r1, t0, t1] = [modulus, value % modulus, 0n, 1n]
  while (r1 > 0n) {
    const quotient = r0 / r1
    ;[r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1]
  }
  return ((t0 % modulus) + modulus) % modulus
}

import { equalBytes, toHex } from '../bytes/index.ts'
import type { Sha2Name } from '../crypto-backend/index.ts'
import { constructed, DerReader, malformed, TAG } from '../der/index.ts'
import { unsupported } from './errors.ts'
import type { SignatureAlgorithm } from './types.ts'

const HASHES: Readonly<Record<string, Sha2Name>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/** RFC 5758 Section 3.2 (ECDSA) and RFC 4055 Section 5 (RSASSA-PKCS1-v1_5). */
const SIGNATURES: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.10045.4.3.2': { name: 'ecdsa', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { name: 'ecdsa', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { name: 'ecdsa', hash: 'sha512' },
  '1.2.840.113549.1.1.11': { name: 'rsa-pkcs1', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { name: 'rsa-pkcs1', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { name: 'rsa-pkcs1', hash: 'sha512' },
}
const RSASSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'

/** Longest salt: that of SHA-512. */
const MAX_SALT_BYTES = 64

const known = new Map<string, SignatureAlgorithm>()

/**
 * Signature algorithm of a whole AlgorithmIdentifier (RFC 5280 Section 4.1.1.2).
 *
 * @throws `X509_UNSUPPORTED` for any algorithm that is not in {@link SignatureAlgorithm}; `X509_MALFORMED`
 */
export function parseSignatureAlgorithm(der: Uint8Array): SignatureAlgorithm {
  // Seven spellings make up everything that occurs; senders may write more, which are not kept.
  const spelling = toHex(der)
  const before = known.get(spelling)
  if (before !== undefined) return before
  const outer = new DerReader(der)
  const sequence = outer.enter(TAG.SEQUENCE)
  outer.end()
  const oid = sequence.oid()
  const algorithm = oid === RSASSA_PSS ? readPss(sequence) : SIGNATURES[oid]
  if (algorithm === undefined) throw unsupported('signature algorithm is not accepted', undefined, oid)
  // RFC 5758: no parameters with ECDSA. RFC 4055: NULL with RSA, and absent must be accepted.
  if (algorithm.name === 'rsa-pkcs1' && !sequence.atEnd) sequence.null()
  sequence.end()
  if (known.size < 32) known.set(spelling, algorithm)
  return algorithm
}

/** Hash of an AlgorithmIdentifier; its parameters are NULL or absent (RFC 4055 Section 2.1). */
export function readHashAlgorithm(algorithm: DerReader): Sha2Name | undefined {
  const oid = algorithm.oid()
  if (!algorithm.atEnd) algorithm.null()
  algorithm.end()
  return HASHES[oid]
}

/** RSASSA-PSS-params (RFC 4055 Section 3.1). The defaults are SHA-1, so that nothing but the trailer may be left out. */
function readPss(identifier: DerReader): SignatureAlgorithm {
  const parameters = identifier.enter(TAG.SEQUENCE)
  const hash = readHashAlgorithm(inside(parameters, 0, TAG.SEQUENCE))
  const generator = inside(parameters, 1, TAG.SEQUENCE)
  if (generator.oid() !== MGF1) throw unsupported('RSASSA-PSS has another mask generation than MGF1')
  const maskHash = readHashAlgorithm(generator.enter(TAG.SEQUENCE))
  generator.end()
  const saltField = parameters.enter(constructed(2))
  const saltLength = saltField.smallInteger(MAX_SALT_BYTES)
  saltField.end()
  // DER leaves the default out; AMD's certificates write it.
  if (!parameters.atEnd) {
    const trailer = parameters.enter(constructed(3))
    if (trailer.smallInteger() !== 1) throw unsupported('RSASSA-PSS has an unknown trailer')
    trailer.end()
  }
  parameters.end()
  if (hash === undefined || hash !== maskHash)
    throw unsupported('RSASSA-PSS hash is not accepted', 'SHA-256, SHA-384 or SHA-512, the same for MGF1')
  return { name: 'rsa-pss', hash, saltLength }
}

function inside(reader: DerReader, number: number, tag: number): DerReader {
  const field = reader.enter(constructed(number))
  const content = field.enter(tag)
  field.end()
  return content
}

/** Refuses an AlgorithmIdentifier inside the signature that differs from the one outside (RFC 5280 Section 4.1.1.2). */
export function requireSameAlgorithm(inner: Uint8Array, outer: Uint8Array): void {
  if (!equalBytes(inner, outer))
    throw malformed(
      'signature algorithms inside and outside the signature differ',
      toHex(inner),
      toHex(outer),
    )
}

import { fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type JsonValue, parseStrictJson } from '@sotto/protocol/jcs'
import type { Certificate } from '@sotto/protocol/x509'
import { collateralError } from '../errors.ts'
import type { HttpAnswer } from '../http/index.ts'
import type { Mark } from '../types.ts'
import { requireValidNow } from './expect.ts'
import { readIssuerChain } from './issuer-chain.ts'

/** Characters that surround the signed document in an answer. */
const SIGNATURE_PREFIX = ',"signature":"'
const SIGNATURE_SUFFIX = '"}'
const SIGNATURE_CHARACTERS = 128

/** A document that Intel signed and that is in force. What it says about a platform is for a verifier. */
export interface IntelDocument {
  value: Readonly<Record<string, JsonValue>>
  /** Issuer chain, PEM. */
  pem: string
  /** Unix seconds. */
  nextUpdate: number
  mark: Mark
}

/**
 * Reads `{"tcbInfo":{…},"signature":"…"}` or `{"enclaveIdentity":…}` and verifies dates, signature and
 * chain: only a genuine document may count as newer than those seen before.
 *
 * @throws `COLLATERAL_INVALID`, `COLLATERAL_EXPIRED`; errors of the JSON and X.509 packages
 */
export function readIntelDocument(
  answer: HttpAnswer,
  options: { member: string; header: string; subject: string; root: Certificate; now: number },
): IntelDocument {
  const { member, header, subject, root, now } = options
  const { text, signature } = splitAnswer(fromUtf8(answer.body), member)
  const value = parseStrictJson(text, { maxBytes: answer.body.length }) as Readonly<Record<string, JsonValue>>
  const { pem, signer } = readIssuerChain(answer, header, { root, now })
  const { issueDate, nextUpdate, tcbEvaluationDataNumber: number } = value
  const [from, until] = [secondsOf(issueDate), secondsOf(nextUpdate)]
  if (!Number.isSafeInteger(number)) throw malformed('tcbEvaluationDataNumber')
  const { publicKey: key } = signer
  const isSigned =
    key.type === 'ec' &&
    key.curve === 'P-256' &&
    crypto.ecdsa.importPublic('P-256', 'sha256', key.point).verify(utf8(text), signature)
  if (!isSigned) throw collateralError('COLLATERAL_INVALID', 'the answer is not signed by Intel')
  requireValidNow('the answer', from, until, now)
  return { value, pem, nextUpdate: until, mark: { subject, number: `${number as number}`, date: from } }
}

/** The characters that are signed, exactly as they stand, and the signature, r then s. */
function splitAnswer(body: string, member: string): { text: string; signature: Uint8Array } {
  const text = body.trimEnd()
  const prefix = `{"${member}":`
  const end = text.length - SIGNATURE_SUFFIX.length - SIGNATURE_CHARACTERS
  const start = end - SIGNATURE_PREFIX.length
  const hex = text.slice(end, end + SIGNATURE_CHARACTERS).toLowerCase()
  const isAnswer =
    text.startsWith(prefix) &&
    start > prefix.length &&
    text.slice(start, end) === SIGNATURE_PREFIX &&
    text.endsWith(SIGNATURE_SUFFIX) &&
    /^[0-9a-f]+$/.test(hex)
  if (!isAnswer)
    throw collateralError('COLLATERAL_INVALID', 'the answer is not a signed document of Intel', {
      expected: `${prefix}…${SIGNATURE_PREFIX}…${SIGNATURE_SUFFIX}`,
    })
  return { text: text.slice(prefix.length, start), signature: fromHex(hex) }
}

/** `2026-02-01T14:49:26Z` in Unix seconds. */
function secondsOf(date: JsonValue | undefined): number {
  const isDate = typeof date === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date)
  const milliseconds = isDate ? Date.parse(date) : Number.NaN
  if (Number.isNaN(milliseconds)) throw malformed('a date')
  return milliseconds / 1000
}

function malformed(what: string): Error {
  return collateralError('COLLATERAL_INVALID', `${what} of the document is malformed`)
}

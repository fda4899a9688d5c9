import { readFileSync } from 'node:fs'
import { fromBase64 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { SottoError } from '@sotto/protocol/errors'
import {
  isSignedBy,
  parseCertificate,
  parseCrl,
  parseOcspResponse,
  verifyCrl,
  verifyOcspResponse,
  verifyPath,
} from '@sotto/protocol/x509'

/** One question for a backend; everything binary is base64 of DER. */
export type Case =
  | { ask: 'signed'; certificate: string; issuer: string }
  | { ask: 'path'; chain: string[]; roots: string[]; at: number }
  | { ask: 'crl'; crl: string; issuer: string; at: number }
  | { ask: 'ocsp'; response: string; certificate: string; issuer: string; at: number }

/** What this process, with the backend that it runs on, says about a case: an answer or a code. */
export function outcomeOf(one: Case): string {
  const read = (text: string) => parseCertificate(fromBase64(text))
  try {
    if (one.ask === 'signed') return String(isSignedBy(read(one.certificate), read(one.issuer)))
    if (one.ask === 'path')
      return String(verifyPath(one.chain.map(read), { roots: one.roots.map(read), at: one.at }).notAfter)
    if (one.ask === 'crl') {
      verifyCrl(parseCrl(fromBase64(one.crl)), read(one.issuer), one.at)
      return 'genuine'
    }
    const question = { certificate: read(one.certificate), issuer: read(one.issuer), at: one.at }
    return verifyOcspResponse(parseOcspResponse(fromBase64(one.response)), question).status
  } catch (error) {
    if (error instanceof SottoError) return `${error.code}: ${error.message}`
    throw error
  }
}

if (import.meta.main) {
  const cases = JSON.parse(readFileSync(0, 'utf8')) as Case[]
  process.stdout.write(JSON.stringify({ backend: crypto.name, outcomes: cases.map(outcomeOf) }))
}

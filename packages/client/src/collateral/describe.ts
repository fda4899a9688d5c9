import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import {
  type Certificate,
  certificatesOfPem,
  parseCertificate,
  parseCrl,
  parseOcspResponse,
  pemToDer,
} from '@sotto/protocol/x509'

/** What a piece claims to be. Nothing is verified: that is what a verifier is for. */
export interface PieceDescription {
  /** For people: `TCB information TDX b0c06f000000, evaluation 17`. */
  what: string
  /** When it says that it ends, Unix seconds; null where it does not say, or nothing is known about it. */
  validUntil: number | null
}

/** Says what a piece is, by its content. Names are not looked at, and no content is an error. */
export function describePiece(bytes: Uint8Array): PieceDescription {
  for (const read of [certificate, crl, ocsp, json, chain, rim]) {
    try {
      const description = read(bytes)
      if (description !== undefined) return description
    } catch {
      // Something else, or damaged: the next reader may know.
    }
  }
  return { what: 'unknown', validUntil: null }
}

type Reader = (bytes: Uint8Array) => PieceDescription | undefined

const certificate: Reader = (bytes) => {
  const { subjectText, notAfter } = parseCertificate(bytes)
  return { what: `certificate ${subjectText}`, validUntil: notAfter }
}

const crl: Reader = (bytes) => {
  const der = bytes[0] === DASH ? pemToDer(fromUtf8(bytes), 'X509 CRL') : bytes
  const { issuerText, revoked, nextUpdate = null } = parseCrl(der)
  return { what: `CRL of ${issuerText}, ${revoked.size} revoked`, validUntil: nextUpdate }
}

const ocsp: Reader = (bytes) => {
  const [answer] = parseOcspResponse(bytes).responses
  if (answer === undefined) return undefined
  const { serialNumber, status, nextUpdate = null } = answer
  return { what: `OCSP status of ${toHex(serialNumber)}: ${status}`, validUntil: nextUpdate }
}

const chain: Reader = (bytes) => {
  const certificates = certificatesOfPem(fromUtf8(bytes)).map(parseCertificate)
  const validUntil = Math.min(...certificates.map(({ notAfter }) => notAfter))
  return { what: `certificates ${certificates.map(nameOf).join(' < ')}`, validUntil }
}

const json: Reader = (bytes) => {
  if (bytes[0] !== OPEN_OBJECT) return undefined
  const value = JSON.parse(fromUtf8(bytes)) as Record<string, unknown>
  const { tcbInfo, enclaveIdentity, keys } = value as Record<string, Record<string, unknown> | undefined>
  const document = tcbInfo ?? enclaveIdentity
  if (document !== undefined) {
    const kind = tcbInfo === undefined ? 'enclave identity' : 'TCB information'
    const { id, fmspc, tcbEvaluationDataNumber: number, nextUpdate } = document
    const about = [id, fmspc].filter((part) => typeof part === 'string').join(' ')
    const until = Date.parse(String(nextUpdate)) / 1000
    return {
      what: `${kind} ${about}, evaluation ${String(number)}`,
      validUntil: Number.isNaN(until) ? null : until,
    }
  }
  if (Array.isArray(keys)) return { what: `${keys.length} keys of an attestation service`, validUntil: null }
  return undefined
}

/** The attributes of the first element are enough for a description, and only for that. */
const rim: Reader = (bytes) => {
  if (bytes.find((byte) => byte > 0x20) !== OPEN_TAG) return undefined
  const text = fromUtf8(bytes.subarray(0, 4096))
  const version = /\bcolloquialVersion="([\w. -]{1,64})"/.exec(text)?.[1]
  const product = /\bproduct="([\w. -]{1,64})"/.exec(text)?.[1]
  return version === undefined
    ? undefined
    : { what: `reference measurements ${product ?? ''} ${version}`, validUntil: null }
}

const [DASH, OPEN_OBJECT, OPEN_TAG] = [0x2d, 0x7b, 0x3c]

function nameOf({ commonName, subjectText }: Certificate): string {
  return commonName ?? subjectText
}

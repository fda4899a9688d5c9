import { fromBase64Url, fromUtf8 } from '@sotto/protocol/bytes'
import type { Collateral, Family } from './types.ts'

/** Length of an SNP attestation report, of every version (AMD 56860, table ATTESTATION_REPORT). */
const SNP_REPORT_BYTES = 1184
/** Shortest Intel quote: a header, a body and the length of its signature. */
const MIN_QUOTE_BYTES = 436
/** TEE types of Intel quotes, at offset 4 from version 4 on; version 3 has zeros there. */
const TEE_TYPE_SGX = 0
const TEE_TYPE_TDX = 0x81
/** Most that is looked into to tell what a text is. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024

/**
 * Which kind of evidence these bytes claim to be, by their first bytes or their members: never by a
 * name. Says nothing about whether they are well-formed. Undefined for anything else, certificates and
 * other collateral included.
 */
export function recogniseEvidence(bytes: Uint8Array): Family | undefined {
  if (startsWith(bytes, 'HCLA')) return 'azure-cvm'
  if (bytes.length === SNP_REPORT_BYTES) return 'sev-snp'
  if (isSpdmExchange(bytes)) return 'nvidia'
  if (isNitroDocument(bytes)) return 'nitro'
  const quote = quoteFamily(bytes)
  if (quote !== undefined) return quote
  const text = textOf(bytes)
  return text === undefined ? undefined : recogniseText(text)
}

/** A piece of evidence among everything that was given. */
export interface RecognisedPieces {
  family: Family
  evidence: Uint8Array
  /** Everything else. */
  collateral: Collateral
}

/**
 * Finds the evidence among pieces in any order and under any names. A RIM is evidence only where
 * nothing else is. Undefined where nothing is, or more than one piece could be.
 */
export function choosePieces(pieces: Collateral): RecognisedPieces | undefined {
  const found = Object.entries(pieces).flatMap(([name, bytes]) => {
    const family = recogniseEvidence(bytes)
    return family === undefined ? [] : [{ name, family, evidence: bytes }]
  })
  const whole = found.filter(({ evidence }) => !isRim(evidence))
  const candidates = whole.length > 0 ? whole : found
  const [chosen, ...more] = candidates
  if (chosen === undefined || more.length > 0) return undefined
  const { name, family, evidence } = chosen
  const collateral = Object.fromEntries(Object.entries(pieces).filter(([other]) => other !== name))
  return { family, evidence, collateral }
}

function quoteFamily(bytes: Uint8Array): Family | undefined {
  if (bytes.length < MIN_QUOTE_BYTES || bytes[1] !== 0) return undefined
  const version = bytes[0]!
  const teeType = bytes[4]! + bytes[5]! * 0x100 + bytes[6]! * 0x10000 + bytes[7]! * 0x1000000
  if (version === 3) return 'sgx'
  if (version !== 4 && version !== 5) return undefined
  return teeType === TEE_TYPE_TDX ? 'tdx' : teeType === TEE_TYPE_SGX ? 'sgx' : undefined
}

/** An SPDM 1.1 GET_MEASUREMENTS request (DSP0274 Section 10.11), which the response follows. */
function isSpdmExchange(bytes: Uint8Array): boolean {
  return bytes.length > 37 && bytes[0] === 0x11 && bytes[1] === 0xe0
}

/** COSE_Sign1 with a protected header as short as only an algorithm needs; endorsements carry theirs with certificates. */
function isNitroDocument(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0xd2 ? 1 : 0
  return bytes[start] === 0x84 && bytes[start + 1]! >= 0x40 && bytes[start + 1]! <= 0x57
}

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > MAX_TEXT_BYTES) return undefined
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
  // A brace, a bracket, a tag, or a token in base64url.
  if (first !== 0x7b && first !== 0x5b && first !== 0x3c && first !== 0x65) return undefined
  try {
    return fromUtf8(bytes).trim()
  } catch {
    return undefined
  }
}

function recogniseText(text: string): Family | undefined {
  if (text.startsWith('<')) return text.includes('SoftwareIdentity') ? 'nvidia' : undefined
  if (text.startsWith('eyJ')) return tokenFamily(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (Array.isArray(value)) {
    const [first] = value as unknown[]
    if (hasMembers(first, 'evidence', 'certificate')) return 'nvidia'
    // An entity attestation token of NVIDIA's service: tokens in a list, or the word JWT with the overall one first.
    const isToken =
      typeof first === 'string' ? first.startsWith('eyJ') : Array.isArray(first) && first[0] === 'JWT'
    return isToken ? 'nvidia' : undefined
  }
  if (hasMembers(value, 'evidences')) return 'nvidia'
  if (hasMembers(value, 'tpm_quote', 'hcl_report') || hasMembers(value, 'quote', 'report')) return 'azure-cvm'
  return undefined
}

/** By the issuer a token names, which is a claim like every other until its signature is verified. */
function tokenFamily(token: string): Family | undefined {
  const [, payload] = token.split('.', 3)
  try {
    const claims = JSON.parse(fromUtf8(fromBase64Url(payload ?? ''))) as { iss?: unknown }
    const issuer = typeof claims.iss === 'string' ? claims.iss : ''
    if (issuer.includes('confidentialcomputing.googleapis.com')) return 'gcp-confidential-space'
    return issuer.includes('attest.azure.net') ? 'azure-maa' : undefined
  } catch {
    return undefined
  }
}

function isRim(bytes: Uint8Array): boolean {
  return textOf(bytes)?.startsWith('<') === true
}

function hasMembers(value: unknown, ...names: string[]): boolean {
  return typeof value === 'object' && value !== null && names.every((name) => Object.hasOwn(value, name))
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return [...text].every((character, index) => bytes[index] === character.charCodeAt(0))
}

import { fromHex, fromUtf8 } from '@sotto/protocol/bytes'
import { type JsonValue, parseStrictJson } from '@sotto/protocol/jcs'
import { parseCrl, parseOcspResponse, pemToDer } from '@sotto/protocol/x509'
import type { Collateral } from '../family/index.ts'

/** When the vendor issued what came with evidence, Unix seconds. */
export interface CollateralDates {
  /** TCB information and identities. */
  collateral: number[]
  /** Revocation lists and answers, but for those of roots. */
  revocation: number[]
  /** Lists of roots, which issue one a year: they count as long as they say themselves. */
  rootLists: number[]
}

/** Names by which a root of these vendors issues its list; that it did is for the family to say. */
const ROOT_ISSUER = /CN=(?:Intel SGX Root CA|ARK-[A-Za-z]+)(?:,|$)/

/** Families refuse larger pieces. */
const MAX_PIECE_BYTES = 1_048_576
/** An answer of a vendor inside a text inside a bundle. */
const MAX_DEPTH = 4
const [SEQUENCE, OPEN_OBJECT] = [0x30, '{']
const PEM_CRL = '-----BEGIN X509 CRL-----'
const HEX = /^(?:[0-9a-fA-F]{2})+$/

/**
 * Dates of everything that was given and has one. Whether it is genuine is for the family to say, which refuses
 * what is not; whoever adds a piece can make the oldest date older, never younger.
 */
export function collateralDates(collateral: Collateral): CollateralDates {
  const dates: CollateralDates = { collateral: [], revocation: [], rootLists: [] }
  for (const piece of Object.values(collateral)) {
    if (piece.length > MAX_PIECE_BYTES) continue
    if (piece[0] === SEQUENCE) readDer(piece, dates)
    const text = textOf(piece)
    if (text !== undefined) readText(text, dates, 0)
  }
  return dates
}

function readText(text: string, dates: CollateralDates, depth: number): void {
  if (depth > MAX_DEPTH) return
  try {
    if (text.startsWith(OPEN_OBJECT))
      readJson(parseStrictJson(text, { maxBytes: MAX_PIECE_BYTES }), dates, depth + 1)
    else if (text.startsWith(PEM_CRL)) readDer(pemToDer(text, 'X509 CRL'), dates)
    else if (HEX.test(text)) readDer(fromHex(text.toLowerCase()), dates)
  } catch {
    // Malformed: the family says so.
  }
}

function readJson(value: JsonValue, dates: CollateralDates, depth: number): void {
  if (depth > MAX_DEPTH) return
  if (typeof value === 'string') readText(value, dates, depth)
  if (typeof value !== 'object' || value === null) return
  const issueDate = Object.hasOwn(value, 'issueDate')
    ? (value as { issueDate?: unknown }).issueDate
    : undefined
  const milliseconds = typeof issueDate === 'string' ? Date.parse(issueDate) : Number.NaN
  if (!Number.isNaN(milliseconds)) dates.collateral.push(Math.floor(milliseconds / 1000))
  else for (const member of Object.values(value)) readJson(member as JsonValue, dates, depth + 1)
}

/** Loose DER may be a CRL, an answer about certificates, or a certificate, which has no date of interest here. */
function readDer(der: Uint8Array, dates: CollateralDates): void {
  try {
    const { thisUpdate, issuerText } = parseCrl(der)
    dates[ROOT_ISSUER.test(issuerText) ? 'rootLists' : 'revocation'].push(thisUpdate)
    return
  } catch {
    // Not this one: see above.
  }
  try {
    dates.revocation.push(...parseOcspResponse(der).responses.map(({ thisUpdate }) => thisUpdate))
  } catch {
    // Nor this one.
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return bytes.subarray(0, 8).includes(0) ? undefined : fromUtf8(bytes).trim()
  } catch {
    return undefined
  }
}

import { equalBytes, fromUtf8 } from '@sotto/protocol/bytes'
import { parseStrictJson, type JsonValue } from '@sotto/protocol/jcs'
import {
  certificatesOfPem,
  parseCertificate,
  parseCrl,
  pemToDer,
  type Certificate,
} from '@sotto/protocol/x509'
import type { Collateral } from '../family/index.ts'
import { memberSource } from './member-source.ts'

/** Bounds of what may come with a quote: a bundle has 20 kB, an event log 64 to 256 kB. */
const [MAX_PIECES, MAX_PIECE_BYTES, MAX_TEXT_BYTES] = [64, 1_048_576, 524_288]

/** A JSON document that Intel signs: TCB information or the identity of a quoting enclave. */
export interface SignedDocument {
  /** The very characters that are signed. */
  text: string
  value: JsonValue
  /** r then s. Without it, any signature that came loose may be its own. */
  signature?: Uint8Array
  /** PEM. Without it, any chain that came loose may be its own. */
  issuerChain?: string
}

/**
 * Pieces by what they are. Everything of one kind is kept: whoever put them together does not choose which
 * one counts. Nothing is authentic yet.
 */
export interface DcapPieces {
  tcbInfos: SignedDocument[]
  qeIdentities: SignedDocument[]
  signatures: Uint8Array[]
  /** PEM chains that came loose, of unknown purpose. */
  chains: string[]
  /** DER. Those of a bundle say which they are; of others, their issuer does. */
  rootCaCrls: Uint8Array[]
  pckCrls: Uint8Array[]
  pckCrlIssuerChains: string[]
  pckCertificateChains: string[]
  /** Binary or JSON event logs of the TD. */
  eventLogs: Uint8Array[]
  /** What claims to be collateral and is not: reasons, for people. */
  defects: string[]
}

/**
 * Sorts pieces by their content; their names mean nothing. Known are the bundle of dcap-qvl, answers of
 * Intel's PCS (documents in JSON, CRLs in DER, PEM or hexadecimal, issuer chains in PEM, also URL-encoded as
 * in its headers), and event logs. Anything else is left out, and nothing is proven by it.
 *
 * @param roots pinned; they tell the two kinds of CRLs apart
 */
export function collectPieces(collateral: Collateral, roots: readonly Certificate[]): DcapPieces {
  const pieces: DcapPieces = {
    tcbInfos: [],
    qeIdentities: [],
    signatures: [],
    chains: [],
    rootCaCrls: [],
    pckCrls: [],
    pckCrlIssuerChains: [],
    pckCertificateChains: [],
    eventLogs: [],
    defects: [],
  }
  const all = Object.values(collateral)
  if (all.length > MAX_PIECES)
    pieces.defects.push(`there are ${all.length} pieces, at most ${MAX_PIECES} are read`)
  for (const bytes of all.slice(0, MAX_PIECES)) {
    if (bytes.length > MAX_PIECE_BYTES) pieces.defects.push(`a piece has ${bytes.length} bytes`)
    else sort(bytes, pieces, roots)
  }
  return pieces
}

const [SEQUENCE, OPEN_OBJECT, OPEN_LIST] = [0x30, 0x7b, 0x5b]
const MAX_DER_PREFIX = 0x84

function sort(bytes: Uint8Array, pieces: DcapPieces, roots: readonly Certificate[]): void {
  if (isTcgLog(bytes)) {
    pieces.eventLogs.push(bytes)
    return
  }
  const text = textOf(bytes)
  if (text === undefined) {
    if (bytes[0] === SEQUENCE && bytes[1]! >= 0x80 && bytes[1]! <= MAX_DER_PREFIX)
      sortDer(bytes, pieces, roots)
    return
  }
  const first = text.charCodeAt(0)
  if (first === OPEN_LIST) {
    if (text.includes('"imr"')) pieces.eventLogs.push(bytes)
  } else if (first === OPEN_OBJECT) sortJson(text, pieces)
  else if (text.startsWith('-----BEGIN')) sortPem(text, pieces, roots)
  else sortHex(fromAnyHex(text), pieces, roots)
}

/** `TCG_PCClientPCREvent` of type EV_NO_ACTION with the signature of a crypto-agile log. */
function isTcgLog(bytes: Uint8Array): boolean {
  const signature = 'Spec ID Event03'
  if (bytes.length < 32 + signature.length || bytes[4] !== 3) return false
  for (let i = 0; i < signature.length; i++) if (bytes[32 + i] !== signature.charCodeAt(i)) return false
  return true
}

const SIGNATURE_BYTES = 64
const CRL_LABEL = 'X509 CRL'

function textOf(bytes: Uint8Array): string | undefined {
  // DER, and binary logs, are not worth a decoding.
  if (bytes.length === 0 || bytes.length > MAX_TEXT_BYTES || bytes.subarray(0, 8).includes(0))
    return undefined
  try {
    return fromUtf8(bytes).trim()
  } catch {
    return undefined
  }
}

/** A CRL by its issuer; single certificates in DER are no part of any kind of collateral. */
function sortDer(bytes: Uint8Array, pieces: DcapPieces, roots: readonly Certificate[]): void {
  try {
    const { issuer } = parseCrl(bytes)
    const isOfRoot = roots.some(({ subject }) => equalBytes(subject, issuer))
    ;(isOfRoot ? pieces.rootCaCrls : pieces.pckCrls).push(bytes)
  } catch {
    if (!isCertificate(bytes)) pieces.defects.push('a piece in DER is no CRL')
  }
}

function isCertificate(bytes: Uint8Array): boolean {
  try {
    parseCertificate(bytes)
    return true
  } catch {
    return false
  }
}

function sortHex(bytes: Uint8Array | undefined, pieces: DcapPieces, roots: readonly Certificate[]): void {
  if (bytes?.length === SIGNATURE_BYTES) pieces.signatures.push(bytes)
  else if (bytes?.[0] === SEQUENCE) sortDer(bytes, pieces, roots)
}

function sortPem(text: string, pieces: DcapPieces, roots: readonly Certificate[]): void {
  try {
    const pem = text.includes('%') ? decodeURIComponent(text) : text
    if (pem.startsWith(`-----BEGIN ${CRL_LABEL}-----`)) sortDer(pemToDer(pem, CRL_LABEL), pieces, roots)
    else if (certificatesOfPem(pem).length > 0) pieces.chains.push(pem)
  } catch {
    pieces.defects.push('a piece in PEM is malformed')
  }
}

/** Names by which JSON claims to be collateral; other JSON is none of ours. */
const CLAIMS = [
  '"tcbInfo"',
  '"enclaveIdentity"',
  '"tcb_info"',
  '"qe_identity"',
  '"root_ca_crl"',
  '"pck_crl"',
  '"tcbLevels"',
]

function sortJson(text: string, pieces: DcapPieces): void {
  if (!CLAIMS.some((claim) => text.includes(claim))) return
  try {
    const value = parseStrictJson(text, { maxBytes: MAX_TEXT_BYTES }) as Readonly<Record<string, JsonValue>>
    const has = (name: string): boolean => Object.hasOwn(value, name)
    if (has('tcbInfo')) pieces.tcbInfos.push(answer(text, value, 'tcbInfo'))
    else if (has('enclaveIdentity')) pieces.qeIdentities.push(answer(text, value, 'enclaveIdentity'))
    else if (has('tcbLevels')) {
      if (has('isvprodid')) pieces.qeIdentities.push({ text, value })
      else pieces.tcbInfos.push({ text, value })
    } else sortBundle(value, pieces)
  } catch (error) {
    pieces.defects.push(`a piece in JSON: ${(error as Error).message}`)
  }
}

/** An answer of the PCS: `{"tcbInfo":{…},"signature":"…"}`. */
function answer(text: string, value: Readonly<Record<string, JsonValue>>, name: string): SignedDocument {
  const { signature } = value
  return {
    text: memberSource(text, name) ?? '',
    value: value[name]!,
    ...(typeof signature === 'string' && { signature: hexBytes(signature) }),
  }
}

/** The bundle of dcap-qvl: documents and PEM as text, CRLs in hexadecimal. An empty member is an absent one. */
function sortBundle(value: Readonly<Record<string, JsonValue>>, pieces: DcapPieces): void {
  const text = (name: string): string | undefined => {
    const member = Object.hasOwn(value, name) ? value[name] : undefined
    return typeof member === 'string' && member !== '' ? member : undefined
  }
  const document = (name: string): SignedDocument | undefined => {
    const source = text(name)
    if (source === undefined) return undefined
    const signature = text(`${name}_signature`)
    const issuerChain = text(`${name}_issuer_chain`)
    return {
      text: source,
      value: parseStrictJson(source, { maxBytes: MAX_TEXT_BYTES }),
      ...(signature !== undefined && { signature: hexBytes(signature) }),
      ...(issuerChain !== undefined && { issuerChain }),
    }
  }
  const crl = (name: string): Uint8Array[] => {
    const source = text(name)
    if (source === undefined) return []
    return [source.startsWith('-----BEGIN') ? pemToDer(source, CRL_LABEL) : hexBytes(source)]
  }
  const list = <Item>(item: Item | undefined): Item[] => (item === undefined ? [] : [item])
  // One malformed member must not hide the others.
  for (const read of [
    () => pieces.tcbInfos.push(...list(document('tcb_info'))),
    () => pieces.qeIdentities.push(...list(document('qe_identity'))),
    () => pieces.rootCaCrls.push(...crl('root_ca_crl')),
    () => pieces.pckCrls.push(...crl('pck_crl')),
    () => pieces.pckCrlIssuerChains.push(...list(text('pck_crl_issuer_chain'))),
    () => pieces.pckCertificateChains.push(...list(text('pck_certificate_chain'))),
  ]) {
    try {
      read()
    } catch (error) {
      pieces.defects.push(`a member of the bundle: ${(error as Error).message}`)
    }
  }
}

/** Bytes of hexadecimal of either case; other text stands for bytes that no parser accepts. */
function hexBytes(text: string): Uint8Array {
  return fromAnyHex(text) ?? new Uint8Array(0)
}

/** Bytes of hexadecimal of either case, unless it is something else. */
function fromAnyHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const [high, low] = [nibble(text.charCodeAt(2 * i)), nibble(text.charCodeAt(2 * i + 1))]
    if (high < 0 || low < 0) return undefined
    bytes[i] = (high << 4) | low
  }
  return bytes
}

function nibble(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30
  const letter = unit | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

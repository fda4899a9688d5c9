import { equalBytes, fromUtf8 } from '@sotto/protocol/bytes'
import type { JsonValue } from '@sotto/protocol/jcs'
import {
  certificatesOfPem,
  parseCertificate,
  parseCrl,
  pemToDer,
  type Certificate,
  type Crl,
} from '@sotto/protocol/x509'
import { fromAnyHex, type Collateral } from '../family/index.ts'
import { JsonReader, MAX_TEXT_BYTES } from './json-reader.ts'
import { memberSource } from './member-source.ts'

/** Bounds of what may come with a quote: a bundle has 20 kB, an event log 64 to 256 kB. */
const [MAX_PIECES, MAX_PIECE_BYTES] = [64, 1_048_576]
/** Bounds of all CRLs together: Intel has three, of 3 kB, and each entry costs time before anything is proven. */
const [MAX_CRLS, MAX_CRL_BYTES] = [8, 524_288]

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
  /** Those of a bundle say which they are; of others, their issuer does. */
  rootCaCrls: Crl[]
  pckCrls: Crl[]
  pckCrlIssuerChains: string[]
  pckCertificateChains: string[]
  /** Binary or JSON event logs of the TD. */
  eventLogs: Uint8Array[]
  /** What claims to be collateral and is not: reasons, for people. */
  defects: string[]
  json: JsonReader
}

/**
 * Sorts pieces by their content; their names mean nothing. Known are the bundle of dcap-qvl, answers of
 * Intel's PCS (documents in JSON, CRLs in DER, PEM or hexadecimal, issuer chains in PEM, also URL-encoded as
 * in its headers), and event logs. Anything else is left out, and nothing is proven by it; what stands beside
 * known members of a bundle or an answer is a defect.
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
    json: new JsonReader(),
  }
  const all = Object.values(collateral)
  const crls: FoundCrl[] = []
  if (all.length > MAX_PIECES)
    pieces.defects.push(`there are ${all.length} pieces, at most ${MAX_PIECES} are read`)
  for (const bytes of all.slice(0, MAX_PIECES)) {
    if (bytes.length > MAX_PIECE_BYTES) pieces.defects.push(`a piece has ${bytes.length} bytes`)
    else sort(bytes, pieces, crls)
  }
  readCrls(crls, pieces, roots)
  return pieces
}

/** A CRL that nobody has read yet. */
interface FoundCrl {
  der: Uint8Array
  /** Which one a bundle calls it. */
  kind?: 'rootCaCrls' | 'pckCrls'
}

/** Reads every CRL once. */
function readCrls(crls: readonly FoundCrl[], pieces: DcapPieces, roots: readonly Certificate[]): void {
  const bytes = crls.reduce((sum, { der }) => sum + der.length, 0)
  if (crls.length > MAX_CRLS || bytes > MAX_CRL_BYTES) {
    pieces.defects.push(
      `there are ${crls.length} CRLs of ${bytes} bytes, at most ${MAX_CRLS} and ${MAX_CRL_BYTES} are read`,
    )
    return
  }
  for (const { der, kind } of crls) {
    try {
      const crl = parseCrl(der)
      const isOfRoot = roots.some(({ subject }) => equalBytes(subject, crl.issuer))
      pieces[kind ?? (isOfRoot ? 'rootCaCrls' : 'pckCrls')].push(crl)
    } catch (error) {
      pieces.defects.push(`a CRL: ${(error as Error).message}`)
    }
  }
}

const [SEQUENCE, OPEN_OBJECT, OPEN_LIST] = [0x30, 0x7b, 0x5b]
const MAX_DER_PREFIX = 0x84

function sort(bytes: Uint8Array, pieces: DcapPieces, crls: FoundCrl[]): void {
  if (isTcgLog(bytes)) {
    pieces.eventLogs.push(bytes)
    return
  }
  const text = textOf(bytes)
  if (text === undefined) {
    if (bytes[0] === SEQUENCE && bytes[1]! >= 0x80 && bytes[1]! <= MAX_DER_PREFIX) sortDer(bytes, crls)
    return
  }
  const first = text.charCodeAt(0)
  if (first === OPEN_LIST) {
    if (text.includes('"imr"')) pieces.eventLogs.push(bytes)
  } else if (first === OPEN_OBJECT) sortJson(text, pieces, crls)
  else if (text.startsWith('-----BEGIN')) sortPem(text, pieces, crls)
  else sortHex(fromAnyHex(text), pieces, crls)
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

/** A CRL, but for a certificate: single ones in DER are no part of any kind of collateral. */
function sortDer(der: Uint8Array, crls: FoundCrl[]): void {
  try {
    parseCertificate(der)
  } catch {
    crls.push({ der })
  }
}

function sortHex(bytes: Uint8Array | undefined, pieces: DcapPieces, crls: FoundCrl[]): void {
  if (bytes?.length === SIGNATURE_BYTES) pieces.signatures.push(bytes)
  else if (bytes?.[0] === SEQUENCE) sortDer(bytes, crls)
}

function sortPem(text: string, pieces: DcapPieces, crls: FoundCrl[]): void {
  try {
    const pem = text.includes('%') ? decodeURIComponent(text) : text
    if (pem.startsWith(`-----BEGIN ${CRL_LABEL}-----`)) crls.push({ der: pemToDer(pem, CRL_LABEL) })
    else if (certificatesOfPem(pem).length > 0) pieces.chains.push(pem)
  } catch {
    pieces.defects.push('a piece in PEM is malformed')
  }
}

type JsonMembers = Readonly<Record<string, JsonValue>>

/** Members of the bundle of dcap-qvl. */
const BUNDLE = [
  ...['tcb_info', 'qe_identity'].flatMap((name) => [name, `${name}_signature`, `${name}_issuer_chain`]),
  'root_ca_crl',
  'pck_crl',
  'pck_crl_issuer_chain',
  'pck_certificate_chain',
]
/** Members of answers of the PCS and of the documents themselves by which JSON claims to be collateral. */
const CLAIMS = ['tcbInfo', 'enclaveIdentity', 'tcbLevels', ...BUNDLE]

function sortJson(text: string, pieces: DcapPieces, crls: FoundCrl[]): void {
  // Other JSON is none of ours, and need not be strict.
  if (!CLAIMS.some((claim) => text.includes(`"${claim}"`))) return
  try {
    const value = pieces.json.read(text) as JsonMembers
    const has = (name: string): boolean => Object.hasOwn(value, name)
    if (has('tcbInfo')) pieces.tcbInfos.push(answer(text, value, 'tcbInfo'))
    else if (has('enclaveIdentity')) pieces.qeIdentities.push(answer(text, value, 'enclaveIdentity'))
    else if (has('tcbLevels')) {
      if (has('isvprodid')) pieces.qeIdentities.push({ text, value })
      else pieces.tcbInfos.push({ text, value })
    } else if (BUNDLE.some(has)) sortBundle(value, pieces, crls)
  } catch (error) {
    pieces.defects.push(`a piece in JSON: ${(error as Error).message}`)
  }
}

/** What nobody signs and nobody reads must not pass for a part of what was verified. */
function requireOnly(value: JsonMembers, names: readonly string[]): void {
  const unknown = Object.keys(value).filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`unknown member ${unknown.join(', ').slice(0, 128)}`)
}

/** An answer of the PCS: `{"tcbInfo":{…},"signature":"…"}`. */
function answer(text: string, value: JsonMembers, name: string): SignedDocument {
  requireOnly(value, [name, 'signature'])
  const { signature } = value
  return {
    text: memberSource(text, name) ?? '',
    value: value[name]!,
    ...(typeof signature === 'string' && { signature: hexBytes(signature) }),
  }
}

/** The bundle of dcap-qvl: documents and PEM as text, CRLs in hexadecimal. An empty member is an absent one. */
function sortBundle(value: JsonMembers, pieces: DcapPieces, crls: FoundCrl[]): void {
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
      value: pieces.json.read(source),
      ...(signature !== undefined && { signature: hexBytes(signature) }),
      ...(issuerChain !== undefined && { issuerChain }),
    }
  }
  const crl = (name: string, kind: NonNullable<FoundCrl['kind']>): void => {
    const source = text(name)
    if (source === undefined) return
    crls.push({ kind, der: source.startsWith('-----BEGIN') ? pemToDer(source, CRL_LABEL) : hexBytes(source) })
  }
  const list = <Item>(item: Item | undefined): Item[] => (item === undefined ? [] : [item])
  // One malformed member must not hide the others.
  for (const read of [
    () => requireOnly(value, BUNDLE),
    () => pieces.tcbInfos.push(...list(document('tcb_info'))),
    () => pieces.qeIdentities.push(...list(document('qe_identity'))),
    () => crl('root_ca_crl', 'rootCaCrls'),
    () => crl('pck_crl', 'pckCrls'),
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

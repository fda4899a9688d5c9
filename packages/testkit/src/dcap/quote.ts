import { concat, fromHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { fakeKey, type FakeIdentity, type FakeKey } from '../x509/index.ts'
import { fakeReportBody, type FakeReportFields } from './bodies.ts'

/** What a quote is made of besides its body; the defaults are those of a genuine one. */
export interface FakeQuoteOptions {
  /** Default 4. */
  version?: number
  attestationKeyType?: number
  teeType?: number
  /** Type number of version 5; by the length of the body when left out. */
  bodyType?: number
  qeVendorId?: Uint8Array
  /** Of the quoting enclave; MRSIGNER and ISVPRODID as the fake identities have them. */
  qe?: FakeReportFields
  qeAuthData?: Uint8Array
  /** Signs the body instead of the key that the quoting enclave vouches for. */
  signWith?: FakeKey
  /** Signs the report of the quoting enclave instead of the PCK. */
  signQeWith?: FakeKey
  /** Default 5, a PEM chain. */
  certificationType?: number
  certificationData?: Uint8Array
  /** What follows. */
  trailing?: Uint8Array
}

/** MRSIGNER of the fake quoting enclaves, by the TEE they serve. */
export const FAKE_QE = {
  sgx: { MRSIGNER: new Uint8Array(32).fill(0x8c), ISVPRODID: 1 },
  tdx: { MRSIGNER: new Uint8Array(32).fill(0xdc), ISVPRODID: 2 },
} as const

const INTEL_QE_VENDOR = fromHex('939a7233f79c4ca9940a0db3957f0607')
/** INIT, MODE64BIT and PROVISION_KEY: what a quoting enclave has. */
const QE_ATTRIBUTES = Uint8Array.of(0x15, 0, 0, 0, 0, 0, 0, 0, 7)
const BODY_TYPES: Readonly<Record<number, number>> = { 384: 1, 584: 2, 648: 3 }

/**
 * A quote of a platform, as its quoting enclave would make it.
 *
 * @param pck leaf first, root last
 */
export function fakeQuote(
  body: Uint8Array,
  pck: readonly FakeIdentity[],
  options: FakeQuoteOptions = {},
): Uint8Array {
  const isSgx = body.length === 384
  const version = options.version ?? (isSgx ? 3 : body.length === 584 ? 4 : 5)
  const attestation = fakeKey()
  const key = attestation.publicKey.subarray(1)
  const authData = options.qeAuthData ?? new Uint8Array(32).map((_, i) => i)
  const reportData = new Uint8Array(64)
  reportData.set(crypto.sha256(key, authData))
  const qeReport = fakeReportBody({
    ...FAKE_QE[isSgx ? 'sgx' : 'tdx'],
    ATTRIBUTES: QE_ATTRIBUTES,
    ISVSVN: 8,
    REPORTDATA: reportData,
    ...options.qe,
  })
  const header = concat(
    uint16(version),
    uint16(options.attestationKeyType ?? 2),
    uint32(options.teeType ?? (isSgx ? 0 : 0x81)),
    uint16(8),
    uint16(13),
    options.qeVendorId ?? INTEL_QE_VENDOR,
    new Uint8Array(20),
  )
  const descriptor =
    version === 5 ? concat(uint16(options.bodyType ?? BODY_TYPES[body.length]!), uint32(body.length)) : empty
  const signed = concat(header, descriptor, body)
  const pem = options.certificationData ?? utf8(`${pck.map((identity) => identity.pem).join('')}\0`)
  const certified = concat(
    qeReport,
    raw(options.signQeWith ?? pck[0]!.key, qeReport),
    uint16(authData.length),
    authData,
    uint16(options.certificationType ?? 5),
    uint32(pem.length),
    pem,
  )
  const framed = version === 3 ? certified : concat(uint16(6), uint32(certified.length), certified)
  const signatureData = concat(raw(options.signWith ?? attestation, signed), key, framed)
  return concat(signed, uint32(signatureData.length), signatureData, options.trailing ?? empty)
}

const empty = new Uint8Array(0)

/** r then s, as quotes and documents have it. */
export function raw(key: FakeKey, message: Uint8Array): Uint8Array {
  return crypto.ecdsa.importPrivate('P-256', 'sha256', key.privateKey).sign(message)
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8)
}

function uint32(value: number): Uint8Array {
  return concat(uint16(value & 0xffff), uint16(value >>> 16))
}

import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { derWriter, FAKE_NOW, type FakeIdentity, fakeRoot } from '../x509/index.ts'
import type { VendorAnswer } from './server.ts'

/** A platform that a fake Intel certified. */
export interface FakePlatform {
  /** 6 bytes, lower-case hexadecimal. */
  fmspc: string
  ca: 'processor' | 'platform'
}

/** What a document of the fake PCS says; defaults are in force at `FAKE_NOW`. */
export interface FakeDocumentOptions {
  tcbEvaluationDataNumber?: number
  issueDate?: number
  nextUpdate?: number
  /** Changes the members before they are signed. */
  change?: (members: Record<string, unknown>) => void
}

/** An Intel of one's own. For tests: nobody may pin it anywhere else. */
export interface FakeIntel {
  root: FakeIdentity
  /** A quote with nothing genuine in it but its structure and its PCK certificate. */
  quote(tee: 'sgx' | 'tdx', platform: FakePlatform): Uint8Array
  tcbInfo(tee: 'sgx' | 'tdx', fmspc: string, options?: FakeDocumentOptions): VendorAnswer
  qeIdentity(tee: 'sgx' | 'tdx', options?: FakeDocumentOptions): VendorAnswer
  pckCrl(ca: FakePlatform['ca'], options?: Parameters<FakeIdentity['crl']>[0]): VendorAnswer
  rootCrl(options?: Parameters<FakeIdentity['crl']>[0]): Uint8Array
}

const AUTHORITIES = {
  processor: 'Intel SGX PCK Processor CA',
  platform: 'Intel SGX PCK Platform CA',
} as const
const SGX_EXTENSION = '1.2.840.113741.1.13.1'

/** Makes one, with the names of "Intel SGX PCK Certificate and CRL Profile Specification". */
export function fakeIntel(): FakeIntel {
  const root = fakeRoot({ commonName: 'Intel SGX Root CA', curve: 'P-256', pathLength: 1 })
  const signer = root.issue({ commonName: 'Intel SGX TCB Signing' })
  const authorities = {
    processor: root.issue({ commonName: AUTHORITIES.processor, ca: true, pathLength: 0 }),
    platform: root.issue({ commonName: AUTHORITIES.platform, ca: true, pathLength: 0 }),
  }
  const sign = (member: string, header: string, value: Record<string, unknown>): VendorAnswer => {
    const text = JSON.stringify(value)
    const key = crypto.ecdsa.importPrivate('P-256', 'sha256', signer.key.privateKey)
    return {
      headers: { 'content-type': 'application/json', [header]: encodeURIComponent(signer.pem + root.pem) },
      body: utf8(`{"${member}":${text},"signature":"${toHex(key.sign(utf8(text)))}"}`),
    }
  }
  const members = (id: string, version: number, options: FakeDocumentOptions): Record<string, unknown> => ({
    id,
    version,
    issueDate: dateText(options.issueDate ?? FAKE_NOW - 3600),
    nextUpdate: dateText(options.nextUpdate ?? FAKE_NOW + 29 * 86_400),
    tcbEvaluationDataNumber: options.tcbEvaluationDataNumber ?? 17,
  })
  return {
    root,
    quote: (tee, platform) => quoteBytes(tee, platform, authorities[platform.ca], root),
    tcbInfo(tee, fmspc, options = {}) {
      const { id, version, ...rest } = members(tee.toUpperCase(), 3, options)
      const value = {
        id,
        version,
        ...rest,
        fmspc: fmspc.toUpperCase(),
        pceId: '0000',
        tcbType: 0,
        tcbLevels: [],
      }
      options.change?.(value)
      return sign('tcbInfo', 'tcb-info-issuer-chain', value)
    },
    qeIdentity(tee, options = {}) {
      const value = { ...members(tee === 'sgx' ? 'QE' : 'TD_QE', 2, options), isvprodid: 1, tcbLevels: [] }
      options.change?.(value)
      return sign('enclaveIdentity', 'sgx-enclave-identity-issuer-chain', value)
    },
    pckCrl: (ca, options) => ({
      headers: {
        'content-type': 'application/pkix-crl',
        'sgx-pck-crl-issuer-chain': encodeURIComponent(authorities[ca].pem + root.pem),
      },
      body: authorities[ca].crl(options),
    }),
    rootCrl: (options) => root.crl(options),
  }
}

/** Answers of the fake PCS to everything that a quote of this platform needs. */
export function intelAnswers(
  intel: FakeIntel,
  tee: 'sgx' | 'tdx',
  { fmspc, ca }: FakePlatform,
): [string, VendorAnswer][] {
  const rootCrl = intel.rootCrl()
  const api = (service: string): [string, VendorAnswer][] => [
    [`${service}/${tee}/certification/v4/tcb?fmspc=${fmspc}`, intel.tcbInfo(tee, fmspc)],
    [`${service}/${tee}/certification/v4/qe/identity`, intel.qeIdentity(tee)],
    [`${service}/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`, intel.pckCrl(ca)],
  ]
  return [
    ...api('intelPcs'),
    ...api('azureThim'),
    [
      'intelCertificates/IntelSGXRootCA.der',
      { headers: { 'content-type': 'application/x-x509-ca-cert' }, body: rootCrl },
    ],
    [
      'azureThim/sgx/certification/v4/rootcacrl',
      { headers: { 'content-type': 'text/html; charset=utf-8' }, body: utf8(toHex(rootCrl)) },
    ],
  ]
}

function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

/** Version 3 for SGX, 4 for TDX; everything is zero but what a parser looks at and the PCK chain. */
function quoteBytes(
  tee: 'sgx' | 'tdx',
  { fmspc }: FakePlatform,
  ca: FakeIdentity,
  root: FakeIdentity,
): Uint8Array {
  const isTdx = tee === 'tdx'
  const header = new Uint8Array(48)
  header.set([isTdx ? 4 : 3, 0, 2, 0, isTdx ? 0x81 : 0])
  header.set(hexBytes('939a7233f79c4ca9940a0db3957f0607'), 12)
  const body = new Uint8Array(isTdx ? 584 : 384)
  const pck = ca.issue({
    commonName: 'Intel SGX PCK Certificate',
    extensions: [{ oid: SGX_EXTENSION, value: sgxExtension(hexBytes(fmspc)) }],
  })
  const chain = utf8(pck.pem + ca.pem + root.pem)
  const certification = concat(
    new Uint8Array(384),
    new Uint8Array(64),
    Uint8Array.of(0, 0),
    Uint8Array.of(5, 0),
    littleEndian(chain.length),
    chain,
  )
  const tail = isTdx
    ? concat(Uint8Array.of(6, 0), littleEndian(certification.length), certification)
    : certification
  const signature = concat(new Uint8Array(64), new Uint8Array(64), tail)
  return concat(header, body, littleEndian(signature.length), signature)
}

function sgxExtension(fmspc: Uint8Array): Uint8Array {
  const { der, integer, octets, oid, sequence } = derWriter
  const field = (number: string, value: Uint8Array): Uint8Array =>
    sequence(oid(`${SGX_EXTENSION}.${number}`), value)
  const components = Array.from({ length: 16 }, (_, i) => field(`2.${i + 1}`, integer(Uint8Array.of(1))))
  const tcb = sequence(
    ...components,
    field('2.17', integer(Uint8Array.of(11))),
    field('2.18', octets(new Uint8Array(16))),
  )
  return sequence(
    field('1', octets(new Uint8Array(16))),
    field('2', tcb),
    field('3', octets(new Uint8Array(2))),
    field('4', octets(fmspc)),
    field('5', der(0x0a, Uint8Array.of(0))),
  )
}

function littleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

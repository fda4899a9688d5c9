import { toHex, utf8 } from '@sotto/protocol/bytes'
import type { Certificate } from '@sotto/protocol/x509'
import { fakeRoot, type CrlOptions, type FakeCertificateOptions, type FakeIdentity } from '../x509/index.ts'
import { fakeReportBody, fakeTdBody, type FakeReportFields, type FakeTdFields } from './bodies.ts'
import {
  qeIdentityText,
  tcbInfoText,
  type FakeQeIdentityOptions,
  type FakeTcbInfoOptions,
} from './documents.ts'
import { pckExtension, type FakePckFields } from './pck-extension.ts'
import { fakeQuote, raw, type FakeQuoteOptions } from './quote.ts'

/** Collateral in the form of dcap-qvl, as members that tests change before they write it. */
export interface FakeBundle {
  tcb_info: string
  tcb_info_signature: string
  tcb_info_issuer_chain: string
  qe_identity: string
  qe_identity_signature: string
  qe_identity_issuer_chain: string
  root_ca_crl: string
  pck_crl: string
  pck_crl_issuer_chain: string
  pck_certificate_chain?: string
}

/** What collateral says; everything has a default that makes the fake platform current. */
export interface FakeCollateralOptions {
  tcbInfo?: FakeTcbInfoOptions
  qeIdentity?: FakeQeIdentityOptions
  rootCaCrl?: CrlOptions
  pckCrl?: CrlOptions
}

/** An Intel of one's own, with one platform. Only tests pin its root. */
export interface FakeIntel {
  root: FakeIdentity
  pckCa: FakeIdentity
  pck: FakeIdentity
  tcbSigning: FakeIdentity
  /** To pin. */
  roots: readonly Certificate[]
  tdQuote(fields?: FakeTdFields, options?: FakeQuoteOptions): Uint8Array
  sgxQuote(fields?: FakeReportFields, options?: FakeQuoteOptions): Uint8Array
  /** Collateral for the platform. */
  bundle(tee: 'sgx' | 'tdx', options?: FakeCollateralOptions): FakeBundle
  /** r then s of the TCB signing key, hexadecimal. */
  sign(text: string): string
}

/** What the certificates of a fake Intel say. */
export interface FakeIntelOptions {
  platform?: FakePckFields
  /** `Platform` or `Processor`. */
  authority?: 'Platform' | 'Processor'
  root?: FakeCertificateOptions
  pckCa?: FakeCertificateOptions
  pck?: FakeCertificateOptions
  tcbSigning?: FakeCertificateOptions
}

/** A new Intel with new keys. */
export function createFakeIntel(options: FakeIntelOptions = {}): FakeIntel {
  const authority = options.authority ?? 'Platform'
  const root = fakeRoot({ commonName: 'Intel SGX Root CA', pathLength: 1, ...options.root })
  const pckCa = root.issue({
    commonName: `Intel SGX PCK ${authority} CA`,
    ca: true,
    // Only an authority may have one.
    ...(options.pckCa?.ca !== false && { pathLength: 0 }),
    ...options.pckCa,
  })
  const pck = pckCa.issue({
    commonName: 'Intel SGX PCK Certificate',
    extensions: [pckExtension(options.platform)],
    ...options.pck,
  })
  const tcbSigning = root.issue({ commonName: 'Intel SGX TCB Signing', ...options.tcbSigning })
  const chain = [pck, pckCa, root]
  const sign = (text: string): string => toHex(raw(tcbSigning.key, utf8(text)))
  return {
    root,
    pckCa,
    pck,
    tcbSigning,
    roots: [root.certificate],
    tdQuote: (fields, wanted) =>
      fakeQuote(fakeTdBody(wanted?.version === 5 ? 'TD15' : 'TD10', fields), chain, wanted),
    sgxQuote: (fields, wanted) => fakeQuote(fakeReportBody(fields), chain, wanted),
    sign,
    bundle(tee, { tcbInfo, qeIdentity, rootCaCrl, pckCrl } = {}) {
      const [info, identity] = [tcbInfoText(tee, tcbInfo), qeIdentityText(tee, qeIdentity)]
      const issuers = tcbSigning.pem + root.pem
      return {
        tcb_info: info,
        tcb_info_signature: sign(info),
        tcb_info_issuer_chain: issuers,
        qe_identity: identity,
        qe_identity_signature: sign(identity),
        qe_identity_issuer_chain: issuers,
        root_ca_crl: toHex(root.crl(rootCaCrl)),
        pck_crl: toHex(pckCa.crl(pckCrl)),
        pck_crl_issuer_chain: pckCa.pem + root.pem,
      }
    },
  }
}

/** Collateral as one file. */
export function bundleBytes(bundle: object): { readonly [name: string]: Uint8Array } {
  return { 'collateral.json': utf8(JSON.stringify(bundle)) }
}

/** The same collateral as answers of the PCS, under names that say nothing. */
export function pcsPieces(bundle: FakeBundle): { readonly [name: string]: Uint8Array } {
  const { tcb_info: info, qe_identity: identity } = bundle
  return {
    a: utf8(`{"tcbInfo":${info},"signature":"${bundle.tcb_info_signature}"}`),
    b: utf8(`{"enclaveIdentity":${identity},"signature":"${bundle.qe_identity_signature}"}`),
    c: utf8(encodeURIComponent(bundle.tcb_info_issuer_chain)),
    d: utf8(bundle.root_ca_crl),
    e: Uint8Array.from(bundle.pck_crl.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  }
}

import { fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { collateralError } from '../errors.ts'
import type { NeedOf, QuestionContext, Source } from '../types.ts'
import { readCrl } from './crl.ts'
import { readIntelDocument } from './intel-document.ts'
import {
  intelPckCrlUrl,
  intelQeIdentityUrl,
  intelRootCrlUrl,
  intelTcbInfoUrl,
  pccsRootCrlUrl,
} from './intel-urls.ts'
import { readIssuerChain } from './issuer-chain.ts'
import { MAX_BYTES, MEDIA_TYPES } from './media-types.ts'

/** Response headers with issuer chains (Intel, "SGX and TDX services V4 API documentation"). */
const TCB_INFO_CHAIN = 'TCB-Info-Issuer-Chain'
const IDENTITY_CHAIN = 'SGX-Enclave-Identity-Issuer-Chain'
const PCK_CRL_CHAIN = 'SGX-PCK-CRL-Issuer-Chain'

const service = ({ endpoints, azure }: QuestionContext): URL =>
  azure ? endpoints.azureThim : endpoints.intelPcs

/** TCB levels of a kind of platform. */
export const intelTcbInfo: Source<NeedOf<'intel-tcb-info'>> = {
  key: ({ tee, fmspc }, update) => `intel tcb-info ${tee} ${fmspc} ${update}`,
  what: ({ tee, fmspc }) => `the ${tee.toUpperCase()} TCB information of platforms ${fmspc}`,
  headers: [TCB_INFO_CHAIN],
  question(need, context) {
    const url = intelTcbInfoUrl(service(context), need.tee, need.fmspc, context.update)
    return { url, what: this.what(need), accepts: MEDIA_TYPES.json, maxBytes: MAX_BYTES.tcbInfo }
  },
  read(need, answer, { now, roots, update }) {
    const { tee, fmspc } = need
    const document = readIntelDocument(answer, {
      member: 'tcbInfo',
      header: TCB_INFO_CHAIN,
      subject: this.key(need, update),
      root: roots.intel,
      now,
    })
    const { id, fmspc: found } = document.value
    requireAbout(`${tee.toUpperCase()} ${fmspc}`, `${String(id)} ${String(found).toLowerCase()}`)
    requireNumber(update, document.value)
    const name = `intel-tcb-info-${tee}-${fmspc}`
    return {
      pieces: { [`${name}.json`]: answer.body, [`${name}-chain.pem`]: utf8(document.pem) },
      freshUntil: document.nextUpdate,
      mark: document.mark,
    }
  },
}

/** Which quoting enclaves count, and which of their versions are current. */
export const intelQeIdentity: Source<NeedOf<'intel-qe-identity'>> = {
  key: ({ tee }, update) => `intel qe-identity ${tee} ${update}`,
  what: ({ tee }) => `the identity of Intel's quoting enclave for ${tee.toUpperCase()}`,
  headers: [IDENTITY_CHAIN],
  question(need, context) {
    const url = intelQeIdentityUrl(service(context), need.tee, context.update)
    return { url, what: this.what(need), accepts: MEDIA_TYPES.json, maxBytes: MAX_BYTES.tcbInfo }
  },
  read(need, answer, { now, roots, update }) {
    const document = readIntelDocument(answer, {
      member: 'enclaveIdentity',
      header: IDENTITY_CHAIN,
      subject: this.key(need, update),
      root: roots.intel,
      now,
    })
    requireAbout(need.tee === 'sgx' ? 'QE' : 'TD_QE', String(document.value['id']))
    requireNumber(update, document.value)
    const name = `intel-qe-identity-${need.tee}`
    return {
      pieces: { [`${name}.json`]: answer.body, [`${name}-chain.pem`]: utf8(document.pem) },
      freshUntil: document.nextUpdate,
      mark: document.mark,
    }
  },
}

/** Revoked PCK certificates of one of Intel's two authorities. */
export const intelPckCrl: Source<NeedOf<'intel-pck-crl'>> = {
  key: ({ ca }) => `intel pck-crl ${ca}`,
  what: ({ ca }) => `the list of revoked certificates of Intel's ${ca} authority`,
  headers: [PCK_CRL_CHAIN],
  question(need, context) {
    const url = intelPckCrlUrl(service(context), need.ca)
    return { url, what: this.what(need), accepts: MEDIA_TYPES.crl, maxBytes: MAX_BYTES.crl }
  },
  read(need, answer, { now, roots }) {
    const { pem, signer: issuer } = readIssuerChain(answer, PCK_CRL_CHAIN, { root: roots.intel, now })
    requireAbout(
      `Intel SGX PCK ${need.ca === 'processor' ? 'Processor' : 'Platform'} CA`,
      `${issuer.commonName}`,
    )
    const subject = this.key(need, 'standard')
    const { mark, nextUpdate } = readCrl(answer.body, issuer, { subject, now })
    const name = `intel-pck-${need.ca}`
    return {
      pieces: { [`${name}.crl`]: answer.body, [`${name}-chain.pem`]: utf8(pem) },
      freshUntil: nextUpdate,
      mark,
    }
  },
}

/** Revoked authorities of Intel. */
export const intelRootCrl: Source<NeedOf<'intel-root-crl'>> = {
  key: () => 'intel root-crl',
  what: () => "the list of Intel's revoked authorities",
  question(need, { endpoints, azure }) {
    const url = azure ? pccsRootCrlUrl(endpoints.azureThim) : intelRootCrlUrl(endpoints.intelCertificates)
    // Caches with the API of Intel's PCCS send hexadecimal under whatever type their framework chooses.
    return { url, what: this.what(need), accepts: azure ? [] : MEDIA_TYPES.crl, maxBytes: MAX_BYTES.crl }
  },
  read(need, { body }, { now, roots }) {
    const der = derOf(body)
    const { mark, nextUpdate } = readCrl(der, roots.intel, { subject: this.key(need, 'standard'), now })
    return { pieces: { 'intel-root.crl': der }, freshUntil: nextUpdate, mark }
  },
}

const SEQUENCE = 0x30

/** DER, or its hexadecimal: that begins with the digits of 0x30, the first of which has the code 0x33. */
function derOf(body: Uint8Array): Uint8Array {
  return body[0] === SEQUENCE && body[1]! >= 0x80 ? body : fromHex(fromUtf8(body).trim().toLowerCase())
}

function requireAbout(expected: string, found: string): void {
  if (expected === found) return
  throw collateralError('COLLATERAL_INVALID', 'the answer is about something else', {
    expected,
    found: found.slice(0, 128),
  })
}

function requireNumber(
  update: number | string,
  { tcbEvaluationDataNumber: found }: { tcbEvaluationDataNumber?: unknown },
): void {
  if (typeof update === 'number') requireAbout(`TCB evaluation ${update}`, `TCB evaluation ${String(found)}`)
}

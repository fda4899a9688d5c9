import { fromBase64, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseOcspResponse, verifyOcspResponse } from '@sotto/protocol/x509'
import { type NvidiaRoots, verifyRim } from '@sotto/verifier/nvidia'
import { VENDOR_ENDPOINTS } from '../endpoints.ts'
import { collateralError } from '../errors.ts'
import { encodeOcspRequest } from '../ocsp-request.ts'
import type { NeedOf, Source } from '../types.ts'
import { parseJsonObject } from './expect.ts'
import { MAX_BYTES, MEDIA_TYPES } from './media-types.ts'
import { nvidiaJwksUrl, nvidiaRimUrl } from './nvidia-urls.ts'
import { rimCertificateNeeds } from './rim-certificates.ts'

/** NVIDIA's answers are valid for a day; none is used for longer, whatever it says. */
const OCSP_AGE = 86_400
/** A RIM is named by the version it is about. NVIDIA may sign it again. */
const RIM_AGE = 30 * 86_400
/** Keys of the service change without notice. */
const JWKS_AGE = 3_600

type Ocsp = NeedOf<'nvidia-ocsp'>

/** Whether one certificate is revoked or on hold. */
export const nvidiaOcsp: Source<Ocsp> = {
  key: (need) => `nvidia ocsp ${certId(need)}`,
  what: ({ certificate }) => `the status of certificate ${toHex(certificate.serialNumber)}`,
  question(need, { endpoints, nonce }) {
    const bytes = encodeOcspRequest(need.certificate, need.issuer, nonce)
    return {
      url: endpoints.nvidiaOcsp,
      what: this.what(need),
      body: { type: 'application/ocsp-request', bytes },
      accepts: MEDIA_TYPES.ocsp,
      maxBytes: MAX_BYTES.ocsp,
    }
  },
  read(need, { body }, { now, nonce }) {
    const { certificate, issuer } = need
    const status = verifyOcspResponse(parseOcspResponse(body), {
      certificate,
      issuer,
      at: now,
      ...(nonce !== undefined && { nonce }),
    })
    // Revoked is an answer too: to refuse by it is for a verifier.
    return {
      pieces: { [`nvidia-ocsp-${certId(need)}.der`]: body },
      freshUntil: Math.min(status.nextUpdate, status.thisUpdate + OCSP_AGE),
      mark: { subject: this.key(need, 'standard'), number: null, date: status.thisUpdate },
    }
  },
}

/** Serial number, which only its issuer keeps unique, and the issuer's key. */
function certId({ certificate, issuer }: Ocsp): string {
  return `${toHex(certificate.serialNumber)}-${toHex(crypto.sha256(issuer.spki)).slice(0, 16)}`
}

/** Reference measurements of one driver or firmware version. */
export const nvidiaRim: Source<NeedOf<'nvidia-rim'>> = {
  key: ({ id }) => `nvidia rim ${id}`,
  what: ({ id }) => `the reference measurements ${id}`,
  question(need, { endpoints }) {
    const url = nvidiaRimUrl(endpoints.nvidiaRim, need.id)
    return { url, what: this.what(need), accepts: MEDIA_TYPES.json, maxBytes: MAX_BYTES.rim }
  },
  read(need, { body }, { now, fetchedAt, roots }) {
    const { id, rim } = parseJsonObject(body)
    if (id !== need.id || typeof rim !== 'string')
      throw collateralError('COLLATERAL_INVALID', 'the answer is about other reference measurements', {
        expected: need.id,
        found: typeof id === 'string' ? id.slice(0, 128) : 'no id',
      })
    const xml = fromBase64(rim.replaceAll('\r\n', '').replaceAll('\n', ''))
    requireSigned(xml, roots.nvidia, now)
    return {
      pieces: { [`nvidia-rim-${id}.xml`]: xml },
      freshUntil: fetchedAt + RIM_AGE,
      more: rimCertificateNeeds(xml),
    }
  },
}

function requireSigned(evidence: Uint8Array, roots: NvidiaRoots, at: number): void {
  const { authentic, reason, steps } = verifyRim({ evidence, collateral: {}, at }, roots)
  if (authentic) return
  const failed = steps.find(({ status }) => status === 'fail')
  throw collateralError(
    reason === 'expired' ? 'COLLATERAL_EXPIRED' : 'COLLATERAL_INVALID',
    'the reference measurements are not signed by NVIDIA, or not any more',
    failed?.reason === undefined ? {} : { found: failed.reason },
  )
}

/** Keys that sign the tokens of NVIDIA's remote attestation service. */
export const nvidiaJwks: Source<NeedOf<'nvidia-jwks'>> = {
  keepsOnlyFrom: VENDOR_ENDPOINTS.nvidiaNras,
  key: () => 'nvidia jwks',
  what: () => "the keys of NVIDIA's attestation service",
  question(need, { endpoints }) {
    const url = nvidiaJwksUrl(endpoints.nvidiaNras)
    return { url, what: this.what(need), accepts: MEDIA_TYPES.json, maxBytes: MAX_BYTES.jwks }
  },
  read(_need, { body }, { fetchedAt }) {
    const { keys } = parseJsonObject(body)
    if (!Array.isArray(keys) || keys.length === 0)
      throw collateralError('COLLATERAL_INVALID', 'the answer has no keys')
    return { pieces: { 'nvidia-nras-jwks.json': body }, freshUntil: fetchedAt + JWKS_AGE }
  },
}

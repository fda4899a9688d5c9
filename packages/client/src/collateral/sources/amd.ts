import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { certificatesOfPem, parseCertificate, pemToDer, verifyPath } from '@sotto/protocol/x509'
import { type EndorsementKey, parseEndorsementKey } from '@sotto/verifier/snp'
import { collateralError } from '../errors.ts'
import type { AmdTcb, Need, NeedOf, Source } from '../types.ts'
import { amdChainUrl, amdCrlUrl, amdVcekUrl, azureAmdUrl } from './amd-urls.ts'
import { readCrl } from './crl.ts'
import { parseJsonObject, requireValidNow } from './expect.ts'
import { MAX_BYTES, MEDIA_TYPES } from './media-types.ts'

/** How long a certificate is kept, seconds, unless it ends earlier: KDS issues the same key again with new dates. */
export const CERTIFICATE_AGE = 30 * 86_400

/** Last arcs of the extensions `1.3.6.1.4.1.3704.1.3.<arc>` (AMD 57230). */
const ARCS: Readonly<Record<keyof AmdTcb, number>> = { fmc: 9, bl: 1, tee: 2, snp: 3, ucode: 8 }

/** The certificate of a chip, by (product, chip, firmware levels): never by a hash of the certificate. */
export const amdVcek: Source<NeedOf<'amd-vcek'>> = {
  key: ({ product, hwid, tcb }) => `amd vcek ${product} ${hwid} ${levels(tcb)}`,
  what: ({ hwid }) => `the certificate of chip ${hwid.slice(0, 16)}…`,
  question(need, { endpoints, azure }) {
    const what = this.what(need)
    if (azure)
      return {
        url: azureAmdUrl(endpoints.azureMetadata),
        what,
        headers: { metadata: 'true' },
        accepts: MEDIA_TYPES.json,
        maxBytes: MAX_BYTES.chain,
      }
    const url = amdVcekUrl(endpoints.amdKds, need.product, need.hwid, need.tcb)
    return { url, what, accepts: MEDIA_TYPES.certificate, maxBytes: MAX_BYTES.certificate }
  },
  read(need, { body }, { now, fetchedAt, roots }) {
    const { product, hwid, tcb } = need
    const { der, chain } = body[0] === OPEN_OBJECT ? readAzure(body) : { der: body, chain: undefined }
    const certificate = parseCertificate(der)
    requireSubject(parseEndorsementKey(certificate), hwid, tcb)
    requireValidNow(this.what(need), certificate.notBefore, certificate.notAfter, now)
    const above: Need = { kind: 'amd-chain', key: 'vcek', product }
    const crl: Need = { kind: 'amd-crl', key: 'vcek', product }
    const requireIssued = (pem: Uint8Array): void => {
      const issuers = certificatesOfPem(fromUtf8(pem)).map(parseCertificate)
      verifyPath([certificate, ...issuers], { roots: [roots.amd[product]], at: now, maxLength: 3 })
    }
    if (chain !== undefined) requireIssued(chain)
    return {
      pieces: {
        [`amd-vcek-${hwid.slice(0, 16)}-${levels(tcb)}.der`]: certificate.der,
        ...(chain !== undefined && { [`amd-vcek-${product}-chain.pem`]: chain }),
      },
      freshUntil: Math.min(certificate.notAfter, fetchedAt + CERTIFICATE_AGE),
      ...(chain === undefined && {
        proof: { need: above, verify: (pieces) => Object.values(pieces).forEach(requireIssued) },
      }),
      more: chain === undefined ? [above, crl] : [crl],
    }
  },
}

/** ASK or ASVK, and the ARK. */
export const amdChain: Source<NeedOf<'amd-chain'>> = {
  key: ({ key, product }) => `amd chain ${key} ${product}`,
  what: ({ key, product }) => `the certificates above ${key.toUpperCase()} of ${product}`,
  question(need, { endpoints }) {
    const url = amdChainUrl(endpoints.amdKds, need.key, need.product)
    return { url, what: this.what(need), accepts: MEDIA_TYPES.chain, maxBytes: MAX_BYTES.chain }
  },
  read({ key, product }, { body }, { now, fetchedAt, roots }) {
    const certificates = certificatesOfPem(fromUtf8(body)).map(parseCertificate)
    const { notAfter } = verifyPath(certificates, { roots: [roots.amd[product]], at: now, maxLength: 2 })
    return {
      pieces: { [`amd-${key}-${product}-chain.pem`]: body },
      freshUntil: Math.min(notAfter, fetchedAt + CERTIFICATE_AGE),
    }
  },
}

/** What the ARK revoked. */
export const amdCrl: Source<NeedOf<'amd-crl'>> = {
  key: ({ key, product }) => `amd crl ${key} ${product}`,
  what: ({ key, product }) => `the list of revoked certificates above ${key.toUpperCase()} of ${product}`,
  question(need, { endpoints }) {
    const url = amdCrlUrl(endpoints.amdKds, need.key, need.product)
    return { url, what: this.what(need), accepts: MEDIA_TYPES.crl, maxBytes: MAX_BYTES.crl }
  },
  read(need, { body }, { now, roots }) {
    const { key, product } = need
    const { mark, nextUpdate } = readCrl(body, roots.amd[product], {
      subject: this.key(need, 'standard'),
      now,
    })
    return { pieces: { [`amd-${key}-${product}.crl`]: body }, freshUntil: nextUpdate, mark }
  },
}

const OPEN_OBJECT = 0x7b

/** `{"vcekCert": PEM, "certificateChain": PEM, …}` of Azure's metadata service, about the machine that asked. */
function readAzure(body: Uint8Array): { der: Uint8Array; chain: Uint8Array } {
  const { vcekCert, certificateChain } = parseJsonObject(body)
  if (typeof vcekCert !== 'string' || typeof certificateChain !== 'string')
    throw collateralError('COLLATERAL_INVALID', 'Azure answers without certificates', {
      expected: 'vcekCert and certificateChain',
    })
  return { der: pemToDer(vcekCert, 'CERTIFICATE'), chain: utf8(certificateChain) }
}

function requireSubject({ kind, hwId, levels: certified }: EndorsementKey, hwid: string, tcb: AmdTcb): void {
  const isChip = kind === 'VCEK' && hwId !== undefined && toHex(hwId) === hwid
  const isLevel = (Object.keys(tcb) as (keyof AmdTcb)[]).every(
    (name) => certified.get(ARCS[name]) === tcb[name],
  )
  if (isChip && isLevel) return
  throw collateralError('COLLATERAL_INVALID', 'the certificate is of another chip or firmware level', {
    expected: `${hwid.slice(0, 16)}… ${levels(tcb)}`,
    found: `${kind} ${hwId === undefined ? '' : toHex(hwId).slice(0, 16)}`,
  })
}

/** `fmc1-bl2-tee0-snp5-ucode68`. */
function levels(tcb: AmdTcb): string {
  return (['fmc', 'bl', 'tee', 'snp', 'ucode'] as const)
    .flatMap((name) => (tcb[name] === undefined ? [] : [`${name}${tcb[name]}`]))
    .join('-')
}

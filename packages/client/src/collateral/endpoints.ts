import { collateralError } from './errors.ts'

/**
 * The only hosts that are ever asked. Evidence chooses paths below them and never a host: addresses
 * inside certificates (AIA, CRL distribution points) are not followed.
 */
export const VENDOR_ENDPOINTS = {
  /** AMD Key Distribution Service (AMD 57230, chapter 4). */
  amdKds: 'https://kdsintf.amd.com',
  /** Intel Provisioning Certification Service, API version 4. */
  intelPcs: 'https://api.trustedservices.intel.com',
  /** Intel's root certificate authority and its CRL. */
  intelCertificates: 'https://certificates.trustedservices.intel.com',
  /** Azure Trusted Hardware Identity Management: Intel's collateral as Azure has it. */
  azureThim: 'https://global.acccache.azure.net',
  /** The same service for AMD, which answers inside Azure only; the vendor's signature is all its protection. */
  azureMetadata: 'http://169.254.169.254',
  nvidiaOcsp: 'https://ocsp.ndis.nvidia.com',
  nvidiaRim: 'https://rim.attestation.nvidia.com',
  nvidiaNras: 'https://nras.attestation.nvidia.com',
} as const

/** Name of a vendor's service. */
export type EndpointName = keyof typeof VENDOR_ENDPOINTS

/** Base addresses, each with one slash at its end. */
export type Endpoints = Readonly<Record<EndpointName, URL>>

/**
 * Vendors' addresses, some replaced by mirrors. A mirror sees what is asked and can withhold answers; it
 * cannot forge what a vendor signed. The keys of NRAS nobody signs: those are whatever the mirror says.
 * @throws `COLLATERAL_ADDRESS` for one that is not https (http on this machine only), or has credentials, a query or a fragment
 */
export function resolveEndpoints(mirrors: Partial<Record<EndpointName, string>> = {}): Endpoints {
  const entries = Object.entries(VENDOR_ENDPOINTS).map(([name, vendor]) => {
    const mirror = mirrors[name as EndpointName]
    return [name, mirror === undefined ? new URL(vendor) : parseMirror(mirror)] as const
  })
  return Object.fromEntries(entries) as Endpoints
}

/**
 * Address of a resource below an endpoint.
 * @param path relative, every part of it that evidence names percent-encoded by the caller
 */
export function below(endpoint: URL, path: string): URL {
  const url = new URL(path, endpoint)
  // A path that an attacker shaped must not leave the endpoint.
  if (url.origin !== endpoint.origin || !url.pathname.startsWith(endpoint.pathname))
    throw collateralError('COLLATERAL_EVIDENCE', 'the evidence names something that cannot be asked for')
  return url
}

function parseMirror(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))))
    throw collateralError(
      'COLLATERAL_ADDRESS',
      'a mirror must be an https address (http on this machine only)',
      {
        found: text.slice(0, 256),
      },
    )
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw collateralError(
      'COLLATERAL_ADDRESS',
      'a mirror must be an address without credentials, query or fragment',
    )
  return url
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

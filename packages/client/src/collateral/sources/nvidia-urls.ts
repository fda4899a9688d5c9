import { below } from '../endpoints.ts'
import { collateralError } from '../errors.ts'

/** `v1/rim/{id}` of NVIDIA's RIM service. @throws `COLLATERAL_EVIDENCE` for a name that no RIM has */
export function nvidiaRimUrl(endpoint: URL, id: string): URL {
  // Firmware wrote parts of it into a report that nobody has verified yet.
  if (!/^NV_[A-Za-z0-9_.-]{1,120}$/.test(id))
    throw collateralError('COLLATERAL_EVIDENCE', 'the report names no RIM', {
      expected: 'NV_… of letters, digits and _ . -',
    })
  return below(endpoint, `v1/rim/${id}`)
}

/** Signing keys of NVIDIA's remote attestation service. */
export function nvidiaJwksUrl(endpoint: URL): URL {
  return below(endpoint, '.well-known/jwks.json')
}

import { below } from '../endpoints.ts'
import { collateralError } from '../errors.ts'
import type { TcbUpdate } from '../types.ts'

/**
 * Paths of Intel's Provisioning Certification Service, API version 4 (Intel, "SGX and TDX services V4 API
 * documentation"). Azure's cache has the same paths.
 */
const API = 'certification/v4'

/** "Get SGX (TDX) TCB Info V4": `{sgx,tdx}/certification/v4/tcb?fmspc=`. @throws `COLLATERAL_EVIDENCE` */
export function intelTcbInfoUrl(endpoint: URL, tee: 'sgx' | 'tdx', fmspc: string, update: TcbUpdate): URL {
  if (!/^[0-9a-f]{12}$/.test(fmspc))
    throw collateralError('COLLATERAL_EVIDENCE', 'this is no FMSPC', {
      expected: '6 bytes in lower-case hexadecimal',
    })
  const parameters = [`fmspc=${fmspc}`, ...updateParameter(update)]
  return below(endpoint, `${tee}/${API}/tcb?${parameters.join('&')}`)
}

/** "Enclave Identity V4": `{sgx,tdx}/certification/v4/qe/identity`. */
export function intelQeIdentityUrl(endpoint: URL, tee: 'sgx' | 'tdx', update: TcbUpdate): URL {
  const [parameter] = updateParameter(update)
  return below(endpoint, `${tee}/${API}/qe/identity${parameter === undefined ? '' : `?${parameter}`}`)
}

/** "Get Revocation List V4": `sgx/certification/v4/pckcrl?ca=`; the default encoding is PEM. */
export function intelPckCrlUrl(endpoint: URL, ca: 'processor' | 'platform'): URL {
  return below(endpoint, `sgx/${API}/pckcrl?ca=${ca}&encoding=der`)
}

/** CRL of the root, at the distribution point that Intel's certificates name. */
export function intelRootCrlUrl(endpoint: URL): URL {
  return below(endpoint, 'IntelSGXRootCA.der')
}

/** The same from a cache that speaks the API of Intel's PCCS: hexadecimal of the DER. */
export function pccsRootCrlUrl(endpoint: URL): URL {
  return below(endpoint, `sgx/${API}/rootcacrl`)
}

/**
 * `update` (default: standard) and `tcbEvaluationDataNumber` exclude each other (status 400).
 * @throws `COLLATERAL_EVIDENCE`
 */
function updateParameter(update: TcbUpdate): string[] {
  if (update === 'standard') return []
  if (update === 'early') return ['update=early']
  if (!Number.isSafeInteger(update) || update < 1)
    throw collateralError('COLLATERAL_EVIDENCE', 'this is no TCB evaluation data number')
  return [`tcbEvaluationDataNumber=${update}`]
}

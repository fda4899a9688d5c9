import { below } from '../endpoints.ts'
import { collateralError } from '../errors.ts'
import type { AmdProduct, AmdTcb } from '../types.ts'

/** `product_name` of KDS paths (AMD 57230, chapter 4). */
const NAMES: Readonly<Record<AmdProduct, string>> = { milan: 'Milan', genoa: 'Genoa', turin: 'Turin' }

/** Bytes of `hwID`: CHIP_ID, of which Turin has the first 8 only. */
const HWID_BYTES: Readonly<Record<AmdProduct, number>> = { milan: 64, genoa: 64, turin: 8 }

/** Parameters in the order of the specification; `fmcSPL` exists from Turin on and comes first. */
const PARAMETERS: readonly (readonly [parameter: string, component: keyof AmdTcb])[] = [
  ['fmcSPL', 'fmc'],
  ['blSPL', 'bl'],
  ['teeSPL', 'tee'],
  ['snpSPL', 'snp'],
  ['ucodeSPL', 'ucode'],
]

/**
 * `vcek/v1/{product_name}/{hwid}?{parameters}`: the certificate of a chip at a firmware level. Levels are
 * decimal with at least two digits, as AMD's own tools write them; one that is left out means 0 to AMD,
 * so that all are written.
 *
 * @param hwid lower-case hexadecimal
 * @throws `COLLATERAL_EVIDENCE` for an identifier of another length, or levels of another product
 */
export function amdVcekUrl(endpoint: URL, product: AmdProduct, hwid: string, tcb: AmdTcb): URL {
  if (!/^(?:[0-9a-f]{2})+$/.test(hwid) || hwid.length !== 2 * HWID_BYTES[product])
    throw collateralError('COLLATERAL_EVIDENCE', `this is no chip of ${NAMES[product]}`, {
      expected: `${HWID_BYTES[product]} bytes of CHIP_ID`,
      found: `${hwid.length / 2}`,
    })
  if ((tcb.fmc === undefined) === (product === 'turin'))
    throw collateralError('COLLATERAL_EVIDENCE', `these are not the firmware levels of ${NAMES[product]}`)
  const query = PARAMETERS.flatMap(([parameter, component]) => {
    const level = tcb[component]
    if (level === undefined) return []
    if (!Number.isInteger(level) || level < 0 || level > 255)
      throw collateralError('COLLATERAL_EVIDENCE', 'a firmware level is out of range', {
        expected: '0 to 255',
        found: `${parameter} ${level}`,
      })
    return [`${parameter}=${String(level).padStart(2, '0')}`]
  })
  return below(endpoint, `vcek/v1/${NAMES[product]}/${hwid}?${query.join('&')}`)
}

/** `{vcek,vlek}/v1/{product_name}/cert_chain`: ASK (ASVK for VLEK) and ARK, PEM, in that order. */
export function amdChainUrl(endpoint: URL, key: 'vcek' | 'vlek', product: AmdProduct): URL {
  return below(endpoint, `${key}/v1/${NAMES[product]}/cert_chain`)
}

/** `{vcek,vlek}/v1/{product_name}/crl`: what the ARK revoked, DER. */
export function amdCrlUrl(endpoint: URL, key: 'vcek' | 'vlek', product: AmdProduct): URL {
  return below(endpoint, `${key}/v1/${NAMES[product]}/crl`)
}

/** Azure's cache of the certificate of the machine that asks (Microsoft, Trusted Hardware Identity Management). */
export function azureAmdUrl(endpoint: URL): URL {
  return below(endpoint, 'metadata/THIM/amd/certification')
}

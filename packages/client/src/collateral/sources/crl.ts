import { type Certificate, type Crl, parseCrl, verifyCrl } from '@sotto/protocol/x509'
import { collateralError } from '../errors.ts'
import type { Mark } from '../types.ts'

/**
 * Reads a CRL and verifies that its authority signed it and that it is current: only then may it count as
 * newer than what was seen before.
 *
 * @param subject of the mark
 * @throws errors of the X.509 package
 */
export function readCrl(
  der: Uint8Array,
  issuer: Certificate,
  { subject, now }: { subject: string; now: number },
): { crl: Crl; mark: Mark; nextUpdate: number } {
  const crl = parseCrl(der)
  verifyCrl(crl, issuer, now)
  const { thisUpdate, nextUpdate, crlNumber } = crl
  if (nextUpdate === undefined)
    throw collateralError('COLLATERAL_INVALID', 'the CRL does not say when it ends')
  const number = crlNumber === undefined ? null : BigInt(`0x${crlNumber || '0'}`).toString()
  return { crl, mark: { subject, number, date: thisUpdate }, nextUpdate }
}

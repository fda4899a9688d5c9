import { fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import type { VendorAnswer } from './server.ts'

/**
 * Genuine collateral of Intel in the shape in which its PCS sent it: documents with their signatures, issuer
 * chains in headers, CRLs in DER.
 *
 * @param collateral the bundle of dcap-qvl, JSON
 */
export function recordedIntelAnswers(
  collateral: Uint8Array,
  tee: 'sgx' | 'tdx',
  fmspc: string,
  ca: 'processor' | 'platform',
): [string, VendorAnswer][] {
  const bundle = JSON.parse(fromUtf8(collateral)) as Record<string, string>
  const document = (member: string, name: string, header: string): VendorAnswer => ({
    headers: {
      'content-type': 'application/json',
      'request-id': '00000000000000000000000000000000',
      [header]: encodeURIComponent(bundle[`${name}_issuer_chain`]!),
    },
    body: utf8(`{"${member}":${bundle[name]!},"signature":"${bundle[`${name}_signature`]!}"}`),
  })
  const identity = document('enclaveIdentity', 'qe_identity', 'sgx-enclave-identity-issuer-chain')
  const chain = encodeURIComponent(bundle['pck_crl_issuer_chain'] ?? '')
  return [
    [
      `intelPcs/${tee}/certification/v4/tcb?fmspc=${fmspc}`,
      document('tcbInfo', 'tcb_info', 'tcb-info-issuer-chain'),
    ],
    [`intelPcs/${tee}/certification/v4/qe/identity`, identity],
    [
      `intelPcs/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`,
      {
        headers: { 'content-type': 'application/pkix-crl', 'sgx-pck-crl-issuer-chain': chain },
        body: fromHex(bundle['pck_crl']!),
      },
    ],
    [
      'intelCertificates/IntelSGXRootCA.der',
      { headers: { 'content-type': 'application/x-x509-ca-cert' }, body: fromHex(bundle['root_ca_crl']!) },
    ],
  ]
}

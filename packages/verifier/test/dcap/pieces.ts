import { fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import type { Collateral } from '@sotto/verifier/family'

/** Members of a bundle of dcap-qvl. */
export function bundleMembers(bundle: Uint8Array): Record<string, string> {
  return JSON.parse(fromUtf8(bundle)) as Record<string, string>
}

/**
 * The same collateral as single pieces: answers of the PCS, one CRL in DER and one in hexadecimal, chains in
 * PEM and URL-encoded, under names that say nothing.
 */
export function splitBundle(bundle: Uint8Array): Collateral {
  const members = bundleMembers(bundle)
  const answer = (name: string, member: string): Uint8Array =>
    utf8(`{"${member}":${members[name]!},"signature":"${members[`${name}_signature`]!}"}`)
  return {
    one: fromHex(members['pck_crl']!),
    two: utf8(`${members['root_ca_crl']!.toUpperCase()}\n`),
    three: answer('qe_identity', 'enclaveIdentity'),
    four: utf8(encodeURIComponent(members['tcb_info_issuer_chain']!)),
    five: answer('tcb_info', 'tcbInfo'),
    six: utf8(members['qe_identity_issuer_chain']!),
  }
}

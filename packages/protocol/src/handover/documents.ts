import { publicCrypto } from '../crypto-backend/index.ts'
import { pae } from '../dsse/index.ts'
import { canonicalJson } from '../jcs/index.ts'
import type { Digest } from '../keyrelease/types.ts'
import { HANDOVER_CONTEXTS, type HandoverBinding } from './types.ts'

/** REPORT_DATA (64 bytes) of a KMS that is to take over: SHA-512 over the typed, length-delimited binding (T6). */
export function bindHandover(binding: HandoverBinding): Uint8Array {
  return publicCrypto.sha512(pae(HANDOVER_CONTEXTS.binding, canonicalJson(binding)))
}

/** HPKE info of a handover: ties what is wrapped to one genesis, policy and report. */
export function handoverInfo({
  genesis,
  policy,
  evidence,
}: Record<'genesis' | 'policy' | 'evidence', Digest>): Uint8Array {
  return pae(HANDOVER_CONTEXTS.wrap, canonicalJson({ genesis, policy, evidence }))
}

import { fromUtf8 } from '@sotto/protocol/bytes'
import { encodeTrustPolicy, parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { connectSources } from '../content-security-policy.ts'
import { digestOf } from '../manifest.ts'
import type { Answer } from './host.ts'

/** Longest `console.json`, as the page takes it. */
export const MAX_CONFIG_BYTES = 1024 * 1024

/** What the page of a host will ask, and by which rules it will judge: the host wrote all of it. */
export interface ServedService {
  relay: string
  gateway: string
  policy: TrustPolicy
  /** SHA-256 of the canonical policy, to compare with that of somebody one trusts. */
  policyDigest: string
  /** Where the page may connect. */
  connect: string[]
}

/** Reads the `console.json` of a host. @returns in words why it is none */
export function readServedConfig(answer: Answer): ServedService | string {
  if (answer.kind === 'none') return answer.why
  try {
    const value = JSON.parse(fromUtf8(answer.bytes)) as Record<string, unknown> | null
    const { relay, gateway = 'inference', policy } = value ?? {}
    if (typeof relay !== 'string' || typeof gateway !== 'string') return 'it names no relay'
    const parsed = parseTrustPolicy(JSON.stringify(policy ?? null))
    return {
      relay,
      gateway,
      policy: parsed,
      policyDigest: policyDigest(parsed),
      connect: connectSources(relay),
    }
  } catch (error) {
    return (error as Error).message
  }
}

/** SHA-256 of a policy in canonical form, hexadecimal. */
export function policyDigest(policy: TrustPolicy): string {
  return digestOf(encodeTrustPolicy(policy))
}

import type { Step } from '../result.ts'
import type { DcapFamily } from './facts.ts'

/** Steps from the body of a quote to the pinned root. */
const LINKS = ['header', 'structure', 'pck-chain', 'qe-report', 'attestation-key', 'signature']

/** Whether the quote is signed by a platform of Intel, whatever is known about its state: `valid` or `invalid`. */
export function signatureChainStatus(family: DcapFamily, steps: readonly Step[]): 'valid' | 'invalid' {
  const passed = new Set(steps.filter(({ status }) => status === 'pass').map(({ name }) => name))
  return LINKS.every((link) => passed.has(`${family}.${link}`)) ? 'valid' : 'invalid'
}

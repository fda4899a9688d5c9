import { Refusal, type Check } from '../checks/index.ts'
import type { Facts } from './facts.ts'

/**
 * Evidence made for this caller, after it asked: neither recorded nor made for somebody else (T6). No policy names this
 * step, for it is in no verdict but of a caller who chose a nonce, and then nothing passes without it.
 */
export const NONCE_CHECK: Check<Facts, 'kms.nonce'> = {
  name: 'kms.nonce',
  title: 'The evidence was made for the nonce of this check',
  needs: ['isBound'],
  run({ bundle, context: { nonce } }) {
    const found = bundle.kms.binding.nonce
    if (found === undefined) throw new Refusal('bound to no nonce', nonce, 'none')
    if (found !== nonce) throw new Refusal('bound to another nonce', nonce, found)
    return { expected: nonce, found }
  },
}

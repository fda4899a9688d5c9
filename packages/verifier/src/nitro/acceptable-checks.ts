import { toHex } from '@sotto/protocol/bytes'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import type { NitroDocument } from './document.ts'
import type { NitroFacts } from './facts.ts'
import { findZeroRegisters } from './fields.ts'
import type { NitroPolicy } from './policy.ts'

/** Whether a genuine document is one that the policy accepts. */
export const acceptableChecks: readonly Check<NitroFacts>[] = [
  {
    name: 'nitro.debug',
    title: 'The enclave does not run in debug mode: its image is measured',
    needs: ['document'],
    class: 'debug',
    run({ document, policy }) {
      const zero = findZeroRegisters(document)
      const found =
        zero.length === 0 ? 'none is zero' : `zero: ${zero.map((index) => `PCR${index}`).join(', ')}`
      if (zero.length > 0 && policy.allowDebug !== true)
        throw new Refusal('the enclave runs in debug mode', 'PCR0, PCR1 and PCR2 not zero', found)
      return { found }
    },
  },
  {
    name: 'nitro.pcrs',
    title: 'Its registers are ones that the policy accepts',
    needs: ['document'],
    class: 'measurement',
    maySkip: true,
    run({ document, policy }) {
      const asked = Object.entries(policy.pcrs ?? {})
      if (asked.length === 0) throw new Skip('the policy names no registers')
      for (const [index, accepted] of asked) {
        const pcr = document.pcrs.get(Number(index))
        const found = pcr === undefined ? 'nothing' : toHex(pcr)
        if (!accepted.includes(found))
          throw new Refusal(`PCR${index} is not one that the policy accepts`, accepted.join(' or '), found)
      }
      return { found: asked.map(([index]) => `PCR${index}`).join(', ') }
    },
  },
  attested('nitro.nonce', 'Its nonce is one that the policy accepts', 'nonce', 'nonces'),
  attested('nitro.user-data', 'Its user data is what the policy accepts', 'user_data', 'userData'),
  attested('nitro.public-key', 'Its public key is one that the policy accepts', 'public_key', 'publicKeys'),
  {
    name: 'nitro.age',
    title: 'The document is not older than the policy allows',
    needs: ['document'],
    class: 'expired',
    maySkip: true,
    run({ document, policy, input, validUntil }) {
      const { maxAgeSeconds } = policy
      if (maxAgeSeconds === undefined) throw new Skip('the policy names no age')
      const until = Math.floor(document.timestamp / 1000) + maxAgeSeconds
      if (!(input.at <= until))
        throw new Refusal('the document is too old', `${until} or earlier`, `${input.at}`)
      return { adds: { validUntil: earlier(validUntil, until) } }
    },
  },
]

/** A check of one of the three values that the program inside chooses. */
function attested(
  name: string,
  title: string,
  field: 'nonce' | 'user_data' | 'public_key',
  member: 'nonces' | 'userData' | 'publicKeys',
): Check<NitroFacts> {
  return {
    name,
    title,
    needs: ['document'],
    class: 'binding',
    maySkip: true,
    run({ document, policy }: { document: NitroDocument; policy: NitroPolicy }) {
      const accepted = policy[member]
      if (accepted === undefined) throw new Skip('the policy names none')
      const value = document[field]
      const found = value === undefined ? 'nothing' : toHex(value)
      if (!accepted.includes(found))
        throw new Refusal(`${field} is not one that the policy accepts`, accepted.join(' or '), found)
    },
  }
}

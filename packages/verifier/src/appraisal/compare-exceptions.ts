import type { JsonValue } from '@sotto/protocol/jcs'
import { IDENTITIES, ITS_WORD, namesParavisor } from '../azure-cvm/paravisor.ts'
import { listOf } from './compare.ts'
import { isObject } from './meaning.ts'
import type { JsonObject, PolicyFamily } from './types.ts'
import { toWindowed } from './windows.ts'

/** HOST_DATA that is refused unless a list names it, see `snp/guest-checks.ts`. */
const ALLOW_ALL_CCE_POLICY = '73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20'

/**
 * Whether `outer` admits what `inner` admits also where the meanings of members, each by itself, do not tell:
 * values that are refused by default and admitted once they are named, so that a list of them is not narrower than
 * none; and members that ask for others.
 */
export function keepsExceptions(family: PolicyFamily, inner: JsonObject, outer: JsonObject): boolean {
  const isKept = (name: string): boolean => inner[name] === undefined || outer[name] !== undefined
  switch (family) {
    case 'sev-snp':
      return isKept('hostData') || !lists(inner['hostData'], ALLOW_ALL_CCE_POLICY)
    case 'azure-cvm': {
      const [from, to] = [partOf(inner, 'snp'), partOf(outer, 'snp')]
      const [before, after] = [
        { ...from, ...partOf(inner, 'tdx') },
        { ...to, ...partOf(outer, 'tdx') },
      ]
      const isProven = IDENTITIES.every(([name]) => before[name] === undefined || after[name] !== undefined)
      return (
        (!asksForProof(outer) || (asksForProof(inner) && isProven)) && keepsExceptions('sev-snp', from, to)
      )
    }
    case 'azure-maa':
      // Named issuers need not look like Microsoft's, and nobody else may vouch for named keys.
      return isKept('issuers') && isKept('signingKeys')
    default:
      return true
  }
}

/** Whether a policy asks that the paravisor be proven. */
function asksForProof(policy: JsonObject): boolean {
  return namesParavisor(policy) || ITS_WORD.some((name) => policy[name] !== undefined)
}

function partOf(policy: JsonObject, name: string): JsonObject {
  const part = policy[name]
  return isObject(part) ? part : {}
}

function lists(list: JsonValue | undefined, value: string): boolean {
  return list !== undefined && listOf(list).some((entry) => toWindowed(entry).value === value)
}

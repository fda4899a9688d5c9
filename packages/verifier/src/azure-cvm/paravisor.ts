import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { AzureFacts } from './facts.ts'
import type { AzureCvmPolicy } from './policy.ts'

/**
 * Members that tell the paravisor from any other guest, with the step that compares each. HOST_DATA, RTMRs and
 * registers of the virtual TPM do not: whoever starts a guest of his own can give them any value. Nor does an
 * endorsement of a utility VM, whose containers ask for reports about data of their choice.
 */
export const IDENTITIES = [
  ['measurements', 'sev-snp.measurement'],
  ['idKeyDigests', 'sev-snp.id-key'],
  ['authorKeyDigests', 'sev-snp.author-key'],
  ['mrTd', 'tdx.measurement'],
] as const

/** Of two steps. */
export const NO_CERTIFICATE = 'no certificate of the attestation key was given'

/** What the policy knows only by the word of the paravisor. */
export const ITS_WORD = ['pcrs', 'vmUniqueIds', 'userData'] as const

/** In the subject of keys of confidential machines: under the same root are those of virtual TPMs that the host runs. */
const CONFIDENTIAL = '.ConfidentialVM.Azure.windows.net'

/**
 * Whether a policy demands proof that Microsoft's paravisor runs in the machine; without, any guest on the same
 * hardware passes, with runtime data and a virtual TPM of its own making. Looks at which members are there, not
 * at their values, so that lists may have windows.
 */
export function namesParavisor(policy: AzureCvmPolicy): boolean {
  return policy.requireAkCertificate === true || identitySteps(policy).length > 0
}

function identitySteps({ snp, tdx }: AzureCvmPolicy): string[] {
  const named = { ...snp, ...tdx }
  return IDENTITIES.flatMap(([member, step]) => (named[member] === undefined ? [] : [step]))
}

/** What the key of the virtual TPM, and with it everything it signs, rests on. */
export const PARAVISOR_CHECK: Check<AzureFacts> = {
  name: 'azure-cvm.paravisor',
  title: 'Microsoft’s paravisor runs inside and keeps the key of the virtual TPM',
  needs: ['hardware'],
  class: 'measurement',
  maySkip: true,
  run({ hardware, policy, akSubject }: AzureFacts & Required<Pick<AzureFacts, 'hardware'>>) {
    if (policy.requireAkCertificate === true && akSubject === undefined)
      throw new Refusal(NO_CERTIFICATE, undefined, undefined, 'collateral-missing')
    const named = identitySteps(policy)
    const proof = akSubject?.endsWith(CONFIDENTIAL)
      ? akSubject
      : // Below the highest level it is the guest under the paravisor that asks for reports.
        (hardware.fields['vmpl'] ?? 0) === 0 &&
        hardware.steps.find(({ name, status }) => status === 'pass' && named.includes(name))?.title
    if (proof) return { adds: { hasParavisor: true }, found: proof }
    const reason = 'nothing proves it: any guest can say so'
    // A report of another than is named is refused by a step of its own.
    const isAsked =
      named.length > 0
        ? hardware.acceptable
        : namesParavisor(policy) || ITS_WORD.some((member) => policy[member] !== undefined)
    if (isAsked) throw new Refusal(reason)
    throw new Skip(reason)
  },
}

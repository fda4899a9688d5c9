import type { AzureCvmPolicy } from '../../azure-cvm/index.ts'
import type { Meaning, Members, MeaningsOf } from '../meaning.ts'
import { SNP_MEANINGS } from './snp.ts'
import { TDX_MEANINGS } from './tdx.ts'

const PCRS: Members = /* @__PURE__ */ Object.fromEntries(
  Array.from({ length: 24 }, (_, index): [string, Meaning] => [
    `${index}`,
    { is: 'allow', what: `PCR${index}`, absent: 'any', pins: 'program' },
  ]),
)

/** Under the paravisor, which handles these exceptions itself. */
const TDX_INSIDE: Members = {
  ...TDX_MEANINGS,
  allowSeptVe: { is: 'permit', what: TDX_MEANINGS['allowSeptVe']!.what, absent: true },
}

/** What members of a policy for Azure confidential virtual machines mean. */
export const AZURE_CVM_MEANINGS: MeaningsOf<AzureCvmPolicy> = {
  snp: { is: 'parts', what: 'SNP report', members: SNP_MEANINGS },
  tdx: { is: 'parts', what: 'TDX quote', members: TDX_INSIDE },
  pcrs: { is: 'parts', what: 'TPM', members: PCRS, pins: 'program' },
  allowSecureBootOff: {
    is: 'permit',
    what: 'machines without secure boot, whose boot loader the host chooses',
    code: 'secure-boot',
  },
  allowInteractiveConsole: {
    is: 'permit',
    what: 'an interactive serial console, over which the host can log in',
    code: 'console',
  },
  requireConsoleOff: { is: 'require', what: 'a machine without any console' },
  vmUniqueIds: { is: 'allow', what: 'vmUniqueId', absent: 'any' },
  userData: { is: 'allow', what: 'user-data', absent: 'any' },
  requireFreshReport: { is: 'require', what: 'a hardware report made for the same request' },
  requireAkCertificate: { is: 'require', what: 'a certificate of the attestation key by Microsoft' },
}

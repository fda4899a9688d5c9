import { CONFIDENTIAL_HARDWARE, type ConfidentialSpacePolicy } from '../../gcp/policy.ts'
import type { MeaningsOf } from '../meaning.ts'

/** What members of a policy for tokens of Confidential Space mean. */
export const GCP_MEANINGS: MeaningsOf<ConfidentialSpacePolicy> = {
  audiences: { is: 'allow', what: 'audience', absent: 'any' },
  nonces: { is: 'allow', what: 'nonce', absent: 'any' },
  allowDebug: { is: 'permit', what: 'debug images, in which the operator has a shell', code: 'debug' },
  allowInsecureBoot: { is: 'permit', what: 'machines without secure boot', code: 'secure-boot' },
  hwmodels: {
    is: 'allow',
    what: 'hardware',
    absent: CONFIDENTIAL_HARDWARE,
    open: { code: 'plain-sev', text: 'admits AMD SEV without SNP, whose memory the operator can change' },
  },
  supportAttributes: { is: 'demand', what: 'support attribute', absent: ['STABLE'], code: 'support' },
  minimumSwversion: { is: 'floor', what: 'version of the image of Confidential Space' },
  imageDigests: { is: 'allow', what: 'image digest', absent: 'any', pins: 'program' },
  imageReferences: { is: 'allow', what: 'image reference', absent: 'any' },
  projects: { is: 'allow', what: 'project', absent: 'any', pins: 'service' },
  requireConfidentialGpu: { is: 'require', what: 'a GPU in confidential mode' },
  tcbStatuses: { is: 'allow', what: 'TCB status', absent: ['UpToDate'], code: 'tcb-status' },
  maxAgeSeconds: { is: 'ceiling', what: 'tokens with an age', unit: 'seconds' },
  clockSkewSeconds: { is: 'ceiling', what: 'clocks apart', absent: 0, unit: 'seconds', code: 'clock-skew' },
}

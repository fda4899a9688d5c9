import { ARCHITECTURES, type NvidiaPolicy } from '../../nvidia/policy.ts'
import type { MeaningsOf } from '../meaning.ts'

/** What members of a policy for GPUs mean. */
export const NVIDIA_MEANINGS: MeaningsOf<NvidiaPolicy> = {
  architectures: { is: 'allow', what: 'architecture', absent: ARCHITECTURES },
  devices: { is: 'allow', what: 'device', absent: 'any', pins: 'chip' },
  minimumDriverVersion: { is: 'floor', what: 'driver' },
  vbiosVersions: { is: 'allow', what: 'VBIOS', absent: 'any' },
  allowProtectedPcie: {
    is: 'permit',
    what: 'GPUs that talk over NVLink without encryption (Protected PCIe)',
    code: 'nvlink',
  },
  allowDevtools: { is: 'permit', what: 'devices in debug mode, whose memory tools can read', code: 'debug' },
  requireOcsp: { is: 'require', what: 'a current answer about the revocation of every certificate' },
  nrasKeys: { is: 'tolerate', what: 'key of NRAS', code: 'nras-key' },
}

import type { TdxPolicy } from '../../tdx/index.ts'
import type { MeaningsOf } from '../meaning.ts'
import { DCAP_MEANINGS } from './dcap.ts'

/** What members of a policy for TDX mean, in Intel's words. */
export const TDX_MEANINGS: MeaningsOf<TdxPolicy> = {
  ...DCAP_MEANINGS,
  mrTd: { is: 'allow', what: 'MRTD', absent: 'any', pins: 'firmware' },
  mrConfigId: { is: 'allow', what: 'MRCONFIGID', absent: 'any', pins: 'configuration' },
  mrOwner: { is: 'allow', what: 'MROWNER', absent: 'any' },
  mrOwnerConfig: { is: 'allow', what: 'MROWNERCONFIG', absent: 'any', pins: 'configuration' },
  rtmr0: { is: 'allow', what: 'RTMR0', absent: 'any' },
  rtmr1: { is: 'allow', what: 'RTMR1', absent: 'any', pins: 'program' },
  rtmr2: { is: 'allow', what: 'RTMR2', absent: 'any', pins: 'program' },
  rtmr3: { is: 'allow', what: 'RTMR3', absent: 'any', pins: 'program' },
  mrSeam: { is: 'allow', what: 'MRSEAM', absent: 'any' },
  mrServiceTd: { is: 'allow', what: 'MRSERVICETD', absent: ['0'.repeat(96)], code: 'service-td' },
  allowSeptVe: {
    is: 'permit',
    what: 'TDs whose handlers the host can run at pages of its choice (SEPT_VE_DISABLE 0)',
    code: 'sept-ve',
  },
  allowMigratable: { is: 'permit', what: 'TDs that can be moved to another platform', code: 'migration' },
  allowPerfmon: { is: 'permit', what: 'TDs with performance counters', code: 'perfmon' },
  allowKeyLocker: { is: 'permit', what: 'TDs with Key Locker', code: 'key-locker' },
  requireEventLog: { is: 'require', what: 'an event log' },
}

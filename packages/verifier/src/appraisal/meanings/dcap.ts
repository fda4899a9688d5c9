import type { DcapPolicy } from '../../dcap/policy.ts'
import type { MeaningsOf } from '../meaning.ts'

/** What TDX and SGX have in common. */
export const DCAP_MEANINGS: MeaningsOf<DcapPolicy> = {
  allowDebug: {
    is: 'permit',
    what: 'debug mode, in which the owner of the machine can look inside',
    code: 'debug',
  },
  acceptedTcbStatuses: { is: 'allow', what: 'TCB status', absent: ['UpToDate'], code: 'tcb-status' },
  acceptedAdvisories: { is: 'tolerate', what: 'advisory', absent: 'any' },
  minimumTcbEvaluationDataNumber: { is: 'floor', what: 'tcbEvaluationDataNumber', absent: 0 },
  ppids: { is: 'allow', what: 'PPID', absent: 'any', pins: 'chip' },
  platformInstanceIds: { is: 'allow', what: 'platform instance id', absent: 'any', pins: 'chip' },
  fmspcs: { is: 'allow', what: 'FMSPC', absent: 'any' },
}

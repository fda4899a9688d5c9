import { toHex } from '@sotto/protocol/bytes'
import type { FieldObject } from '../family/index.ts'
import { findTdDebug } from './attributes.ts'
import type { TdReport } from './body.ts'

/** What the body says, with the names of the specification in snake case. */
export function tdFields(report: TdReport): FieldObject {
  const [rtmr0, rtmr1, rtmr2, rtmr3] = report.RTMR.map(toHex) as [string, string, string, string]
  return {
    tee_tcb_svn: toHex(report.TEE_TCB_SVN),
    mrseam: toHex(report.MRSEAM),
    mrsignerseam: toHex(report.MRSIGNERSEAM),
    seamattributes: toHex(report.SEAMATTRIBUTES),
    td_attributes: toHex(report.TDATTRIBUTES),
    xfam: toHex(report.XFAM),
    mrtd: toHex(report.MRTD),
    mrconfigid: toHex(report.MRCONFIGID),
    mrowner: toHex(report.MROWNER),
    mrownerconfig: toHex(report.MROWNERCONFIG),
    rtmr0,
    rtmr1,
    rtmr2,
    rtmr3,
    report_data: toHex(report.REPORTDATA),
    ...(report.TEE_TCB_SVN_2 && { tee_tcb_svn2: toHex(report.TEE_TCB_SVN_2) }),
    ...(report.MRSERVICETD && { mrservicetd: toHex(report.MRSERVICETD) }),
    debug: findTdDebug(report).debug,
  }
}

import { boolean, type Decoder, hex, integer, list, oneOf, text } from '@sotto/protocol/jcs'
import { ACCEPTABLE_STATUSES, type TcbStatus } from './status.ts'

/** What SGX and TDX have in common. Everything may be left out, which means strict. Bytes are lower-case hexadecimal. */
export interface DcapPolicy {
  /** Default false: the owner of the machine can read and change what runs in debug mode. */
  allowDebug?: boolean
  /** Accepted statuses of platform, TDX module and quoting enclave together. Default `['UpToDate']`. */
  acceptedTcbStatuses?: readonly Exclude<TcbStatus, 'Revoked' | 'NoMatch'>[]
  /** Advisories that may apply, `INTEL-SA-00615`. Default any: the status judges them. */
  acceptedAdvisories?: readonly string[]
  /** Lowest tcbEvaluationDataNumber of TCB information and identity: older documents call older platforms current. Default 0. */
  minimumTcbEvaluationDataNumber?: number
  /** Accepted processor packages by PPID, 16 bytes. Default any. */
  ppids?: readonly string[]
  /** Accepted platforms by platform instance id, 16 bytes. Default any. */
  platformInstanceIds?: readonly string[]
  /** Accepted FMSPC, 6 bytes. Default any. */
  fmspcs?: readonly string[]
}

const MAX_ENTRIES = 4096
const ADVISORY = /^[A-Za-z0-9-]+$/

/** Decoders of the members of {@link DcapPolicy}. */
export const DCAP_POLICY_MEMBERS: { [Name in keyof DcapPolicy]-?: Decoder<Required<DcapPolicy>[Name]> } = {
  allowDebug: boolean(),
  acceptedTcbStatuses: list(oneOf(...ACCEPTABLE_STATUSES), 1, ACCEPTABLE_STATUSES.length),
  acceptedAdvisories: list(text(32, ADVISORY), 0, MAX_ENTRIES),
  minimumTcbEvaluationDataNumber: integer(0, 0xffff_ffff),
  ppids: allowed(16),
  platformInstanceIds: allowed(16),
  fmspcs: allowed(6),
}

/** A list of accepted values. An empty one is a mistake, not "anything". */
export function allowed(bytes: number): Decoder<string[]> {
  return list(hex(bytes), 1, MAX_ENTRIES)
}

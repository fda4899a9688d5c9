import { boolean, type Decoder, partial } from '@sotto/protocol/jcs'
import { allowed, DCAP_POLICY_MEMBERS, type DcapPolicy } from '../dcap/policy.ts'

/**
 * What a TDX quote must say to be accepted. Everything may be left out, which allows nothing that weakens a
 * TD. Without `mrTd` and `rtmr0` to `rtmr3` the verdict says nothing about which system and program run.
 * Values are lower-case hexadecimal.
 */
export interface TdxPolicy extends DcapPolicy {
  /** Accepted MRTD, 48 bytes: the virtual firmware. */
  mrTd?: readonly string[]
  /** Accepted MRCONFIGID, as the next two 48 bytes: what the host says. */
  mrConfigId?: readonly string[]
  mrOwner?: readonly string[]
  mrOwnerConfig?: readonly string[]
  /** Accepted RTMR0 to RTMR3, 48 bytes. */
  rtmr0?: readonly string[]
  rtmr1?: readonly string[]
  rtmr2?: readonly string[]
  rtmr3?: readonly string[]
  /** Accepted MRSEAM, 48 bytes: the TDX module itself. Default any that Intel signed and calls current. */
  mrSeam?: readonly string[]
  /** Accepted MRSERVICETD, 48 bytes. Default only zero: no service TD is bound to this one. */
  mrServiceTd?: readonly string[]
  /** Default false: without SEPT_VE_DISABLE the host can make the TD run handlers of its own at pages of its choice. */
  allowSeptVe?: boolean
  /** Default false: a migration TD can move it to another platform. */
  allowMigratable?: boolean
  /** Default false: performance counters see more of what runs beside. */
  allowPerfmon?: boolean
  /** Default false: Key Locker. */
  allowKeyLocker?: boolean
  /** True refuses a quote without an event log. Default false: a log that is given must be the measured one. */
  requireEventLog?: boolean
}

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const tdxPolicyDecoder: Decoder<TdxPolicy> = partial<TdxPolicy>({
  ...DCAP_POLICY_MEMBERS,
  mrTd: allowed(48),
  mrConfigId: allowed(48),
  mrOwner: allowed(48),
  mrOwnerConfig: allowed(48),
  rtmr0: allowed(48),
  rtmr1: allowed(48),
  rtmr2: allowed(48),
  rtmr3: allowed(48),
  mrSeam: allowed(48),
  mrServiceTd: allowed(48),
  allowSeptVe: boolean(),
  allowMigratable: boolean(),
  allowPerfmon: boolean(),
  allowKeyLocker: boolean(),
  requireEventLog: boolean(),
})

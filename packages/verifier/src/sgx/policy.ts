import { boolean, type Decoder, integer, list, partial } from '@sotto/protocol/jcs'
import { allowed, DCAP_POLICY_MEMBERS, type DcapPolicy } from '../dcap/policy.ts'

/**
 * What an SGX quote must say to be accepted. Everything may be left out, which allows nothing that weakens an
 * enclave. Without `mrEnclave`, or `mrSigner` with `isvProdIds` and `minimumIsvSvn`, the verdict says nothing
 * about which program runs. Values are lower-case hexadecimal.
 */
export interface SgxPolicy extends DcapPolicy {
  /** Accepted MRENCLAVE, 32 bytes: the program. */
  mrEnclave?: readonly string[]
  /** Accepted MRSIGNER, 32 bytes: whoever signed the program. */
  mrSigner?: readonly string[]
  /** Accepted ISVPRODID: which program of the signer. */
  isvProdIds?: readonly number[]
  /** Lowest ISVSVN: older programs of the signer have known defects. Default 0. */
  minimumIsvSvn?: number
  /** Accepted CONFIGID, 64 bytes. */
  configIds?: readonly string[]
  /** Default false: with PROVISION_KEY an enclave can tell its platform from all others. */
  allowProvisionKey?: boolean
}

const MAX_ENTRIES = 4096
const uint16 = integer(0, 0xffff)

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const sgxPolicyDecoder: Decoder<SgxPolicy> = partial<SgxPolicy>({
  ...DCAP_POLICY_MEMBERS,
  mrEnclave: allowed(32),
  mrSigner: allowed(32),
  isvProdIds: list(uint16, 1, MAX_ENTRIES),
  minimumIsvSvn: uint16,
  configIds: allowed(64),
  allowProvisionKey: boolean(),
})

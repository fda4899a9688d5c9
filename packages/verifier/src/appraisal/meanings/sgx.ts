import type { SgxPolicy } from '../../sgx/index.ts'
import type { MeaningsOf } from '../meaning.ts'
import { DCAP_MEANINGS } from './dcap.ts'

/** What members of a policy for SGX mean, in Intel's words. */
export const SGX_MEANINGS: MeaningsOf<SgxPolicy> = {
  ...DCAP_MEANINGS,
  mrEnclave: { is: 'allow', what: 'MRENCLAVE', absent: 'any', pins: 'program' },
  mrSigner: { is: 'allow', what: 'MRSIGNER', absent: 'any', pins: 'program' },
  isvProdIds: { is: 'allow', what: 'ISVPRODID', absent: 'any' },
  minimumIsvSvn: { is: 'floor', what: 'ISVSVN', absent: 0 },
  configIds: { is: 'allow', what: 'CONFIGID', absent: 'any' },
  allowProvisionKey: {
    is: 'permit',
    what: 'enclaves with PROVISION_KEY, which can tell their platform from all others',
    code: 'provision-key',
  },
}

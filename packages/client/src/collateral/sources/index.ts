import type { Need, NeedKind, NeedOf, Source } from '../types.ts'
import { amdChain, amdCrl, amdVcek } from './amd.ts'
import { intelPckCrl, intelQeIdentity, intelRootCrl, intelTcbInfo } from './intel.ts'
import { nvidiaJwks, nvidiaOcsp, nvidiaRim } from './nvidia.ts'

export { amdChainUrl, amdCrlUrl, amdVcekUrl, azureAmdUrl } from './amd-urls.ts'
export {
  intelPckCrlUrl,
  intelQeIdentityUrl,
  intelRootCrlUrl,
  intelTcbInfoUrl,
  pccsRootCrlUrl,
} from './intel-urls.ts'
export { nvidiaJwksUrl, nvidiaRimUrl } from './nvidia-urls.ts'

const SOURCES: { readonly [Kind in NeedKind]: Source<NeedOf<Kind>> } = {
  'amd-vcek': amdVcek,
  'amd-chain': amdChain,
  'amd-crl': amdCrl,
  'intel-tcb-info': intelTcbInfo,
  'intel-qe-identity': intelQeIdentity,
  'intel-pck-crl': intelPckCrl,
  'intel-root-crl': intelRootCrl,
  'nvidia-ocsp': nvidiaOcsp,
  'nvidia-rim': nvidiaRim,
  'nvidia-jwks': nvidiaJwks,
}

/** How this need is fetched. */
export function sourceOf(need: Need): Source<Need> {
  // The table pairs each kind with its own source, which the type of a lookup by union cannot say.
  return SOURCES[need.kind] as Source<Need>
}

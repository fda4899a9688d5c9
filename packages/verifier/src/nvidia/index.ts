export {
  type DeviceEvidence,
  type NvidiaDevice,
  parseDevice,
  parseDeviceEvidence,
  rimIds,
} from './evidence.ts'
export { nrasCertificateFields, nrasKeysOf, verifyNrasCertificates } from './nras-keys.ts'
export { type NrasBundle, type NrasToken, parseNrasBundle } from './nras-token.ts'
export { verifyNrasToken } from './nras.ts'
export {
  ARCHITECTURES,
  type Architecture,
  type NrasKey,
  nvidiaPolicyDecoder,
  type NvidiaPolicy,
} from './policy.ts'
export { type NvidiaReport, parseNvidiaReport } from './report.ts'
export { parseRim, type Rim, type RimKind } from './rim.ts'
export { verifyRim } from './rim-verdict.ts'
export { nvidiaRoots, type NvidiaRoots } from './roots.ts'
export { verifyNvidia } from './verify.ts'
export { compareParts } from './versions.ts'

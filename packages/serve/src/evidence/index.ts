export { collectAzureEvidence, type AzureEvidenceParts, type AzureOptions } from './azure.ts'
export { collectEventLog, type CcelEventLog } from './ccel.ts'
export { splitCertificateTable } from './certificate-table.ts'
export type { CollectErrorCode } from './errors.ts'
export { collectGramineQuote } from './gramine.ts'
export { hardwareFiles } from './hardware-files.ts'
export { type Helper, runHelper } from './helper.ts'
export { type Device, type Machine, thisMachine } from './machine.ts'
export { collectNitroDocument, type NitroRequest } from './nitro.ts'
export { collectGpuEvidence, type GpuHelpers } from './nvidia.ts'
export { deriveSnpKey } from './snp-key.ts'
export { fetchAmdCertification, fetchTdQuote, type ThimCertificates, type ThimOptions } from './thim.ts'
export {
  openTpm,
  quoteRegisters,
  readNv,
  readPublicKey,
  type Tpm,
  type TpmOptions,
  writeNv,
} from './tpm/index.ts'
export { collectTsmReport, type TsmOptions, type TsmProvider, type TsmReport } from './tsm.ts'

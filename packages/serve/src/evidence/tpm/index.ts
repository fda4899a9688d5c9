export { openTpm, type Tpm, TPM_PATH, type TpmOptions } from './device.ts'
export { readNv, readNvPublic, writeNv, type NvPublic } from './nv.ts'
export { quoteRegisters, readPublicKey, type QuotedRegisters } from './quote.ts'

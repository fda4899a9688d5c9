export { openOwner, OWNER_FLAG, ownerKeyFile, readOwner } from './key-file.ts'
export { nameOf, openModelFiles } from './model-files.ts'
export { NO_GENESIS, policyBeside, readReleasePolicy } from './release-policy.ts'
export { sealFile, type SealedFile } from './seal-file.ts'

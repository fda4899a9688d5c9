export { decodeKmsConfig, type KmsConfig } from './config.ts'

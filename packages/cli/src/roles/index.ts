export { logConfig, registryConfig, relayConfig, witnessConfig } from './edge.ts'
export { type AppRole, inferenceConfig, type InferenceRole, type SealedFile } from './inference.ts'
export { kmsConfig, type KmsRole } from './kms.ts'
export { encodeRoleConfig, type Founders, type ListenAt, type LogPins, type RoleConfig } from './types.ts'

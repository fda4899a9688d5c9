export { findEnclaveDefects, isSgxDebug } from './attributes.ts'
export { sgxPolicyDecoder, type SgxPolicy } from './policy.ts'
export { verifySgx } from './verify.ts'

export { findTdDebug, findTdDefects } from './attributes.ts'
export { parseTdQuote, type TdReport } from './body.ts'
export { tdxPolicyDecoder, type TdxPolicy } from './policy.ts'
export { verifyTdx } from './verify.ts'

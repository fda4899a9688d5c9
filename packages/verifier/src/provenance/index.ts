export { provenanceError, type ProvenanceErrorCode } from './errors.ts'
export { findRebuilders, requireRebuilders, type Rebuilder } from './rebuilders.ts'
export { IMAGE_SUBJECT, verifyProvenance, verifySbom, type BuilderPolicy } from './verify.ts'

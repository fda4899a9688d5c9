export {
  answerConformance,
  MAX_CONFORMANCE_BYTES,
  parseConformanceRequest,
  secondsOf,
} from './conformance.ts'
export { exitCodeOfEvidence } from './outcome.ts'
export { readBytes, readEvidence } from './read-pieces.ts'
export { recogniseFile } from './recognise-file.ts'
export { verifyEvidenceFile } from './verify-evidence.ts'

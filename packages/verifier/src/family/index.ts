export { conformancePolicy } from './conformance-policy.ts'
export { addDates, assess, earlier, type Assessment, type VerdictFacts } from './assess.ts'
export {
  FAMILIES,
  REASONS,
  type Collateral,
  type CollateralDate,
  type EvidenceInput,
  type EvidenceVerdict,
  type Family,
  type FieldObject,
  type FieldValue,
  type Reason,
} from './types.ts'
export { fromAnyHex } from './hex.ts'
export { choosePieces, recogniseEvidence, type RecognisedPieces } from './recognise.ts'
export { classOfX509, withX509 } from './x509.ts'

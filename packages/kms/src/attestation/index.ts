export { collectOwnEvidence, type OwnEvidence } from './own-evidence.ts'

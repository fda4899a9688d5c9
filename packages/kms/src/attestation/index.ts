export { collectForNonce, collectOwnEvidence, type OwnEvidence } from './own-evidence.ts'

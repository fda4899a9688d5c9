export { answerOnceSpent } from './answer-once-spent.ts'
export {
  CHALLENGE_PATH,
  type ClassLimit,
  createTokenGate,
  type Redemption,
  type TokenGate,
  type TokenGateOptions,
} from './gate.ts'
export { createIssuerKeySource, type IssuerKeySource, type IssuerKeySourceOptions } from './issuer-keys.ts'
export { createKmsSpentSet, type KmsSpentSet, type KmsSpentSetOptions } from './kms-spent-set.ts'
export type { SpendingTransport } from './kms-session.ts'
export { createMemorySpentSet } from './memory-spent-set.ts'
export type { ContextualSpentSet, SpentEntry, SpentSet } from './spent-set.ts'
export { createKeptFetch } from './kept-fetch.ts'

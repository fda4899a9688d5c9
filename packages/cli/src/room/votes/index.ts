export { voteOnContract } from './contract.ts'
export { voteOnOutputs, waitsForReview } from './output.ts'
export { voteOnRun } from './run.ts'
export type { Voting } from './types.ts'

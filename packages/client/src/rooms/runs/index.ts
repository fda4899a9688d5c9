export { type JudgeContext, type JudgedOffer, type JudgedRun, judgeOffer, judgeRun } from './judge.ts'
export type { RoomCallsOptions } from './room-calls.ts'
export { createRuns, type RoomRuns, type WantedRun } from './runs.ts'

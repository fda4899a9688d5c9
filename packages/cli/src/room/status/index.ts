export { gatherStatus, type RoomStatus } from './gather.ts'
export { type NextStep, nextSteps } from './next-steps.ts'
export { showStatus } from './show.ts'

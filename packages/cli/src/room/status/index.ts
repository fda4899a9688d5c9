export { gatherStatus } from './gather.ts'
export { nextSteps } from './next-steps.ts'
export { showStatus } from './show.ts'

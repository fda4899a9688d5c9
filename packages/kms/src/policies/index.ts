export { findPolicyObstacle, judgePolicy } from './judge.ts'
export { withPolicy } from './keep.ts'

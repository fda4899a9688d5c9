export { findPolicyObstacle, judgePolicy, requireKind, requireWorkload } from './judge.ts'
export { withPolicy } from './keep.ts'

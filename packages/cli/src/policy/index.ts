export { policyDiff } from './diff.ts'
export { policyExplain } from './explain.ts'
export { policyLint } from './lint.ts'
export { policyTest } from './test.ts'

export { count, showDecimal, showDelta, showEpsilon, showPrivacy, showTime } from './amounts.ts'
export { describeContract } from './contract.ts'
export { describeLeft, describeRoom, describeRun } from './run.ts'

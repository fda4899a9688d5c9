export {
  admit,
  type AdmittedWorkload,
  createJudge,
  requireFresh,
  requireSameLog,
  verifyBoundCheckpoint,
} from './evidence.ts'
export { logReceipt } from './log-receipt.ts'
export { Releaser, type ReleaserContext } from './release.ts'
export { admitWorkload, type ReleaseContext } from './verify.ts'

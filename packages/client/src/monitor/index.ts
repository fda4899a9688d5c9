export {
  encodeSplitView,
  parseSplitView,
  verifySplitView,
  type SplitView,
  type SplitViewVerdict,
} from './contradiction.ts'
export { judgeCheckpoint, type JudgedCheckpoint } from './checkpoint.ts'
export {
  encodeEntryProof,
  isEntryProof,
  parseEntryProof,
  verifyEntryProof,
  type EntryProof,
} from './entry-proof.ts'
export { ENTRY_TYPES, instant, readEntry, type EntryType, type ReadEntry } from './entry-types.ts'
export { createLogReader, type LogReader, type Tree } from './log-reader.ts'
export { followLog, type MonitorOptions, type Round } from './monitor.ts'
export type { Alert, AlertCode, Expectations, FollowedLog, MonitorStore } from './types.ts'

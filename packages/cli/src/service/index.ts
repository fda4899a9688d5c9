export { announceSoftware, SOFTWARE_BANNER } from './banner.ts'
export { accepted, callService, postJson, readJson } from './call.ts'
export { readEvents } from './events.ts'
export { connectOptions, openService } from './open.ts'
export { finishReceipt, keepReceipts, provenance, RECEIPT_FLAG } from './receipt.ts'
export { servedModels } from './served-models.ts'
export { stackTrouble } from './stack-advice.ts'
export {
  readPolicy,
  resolvePolicyPath,
  resolveTarget,
  type Target,
  TARGET_FLAGS,
  type TargetFlags,
} from './target.ts'
export { announceVerdict, formatVerdictLine } from './verdict-line.ts'

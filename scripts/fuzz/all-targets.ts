import { contractTargets } from './contract-targets.ts'
import { custodyTargets } from './custody-targets.ts'
import { dialectTargets } from './dialect-targets.ts'
import { documentTargets } from './document-targets.ts'
import { engineTargets } from './engine-targets.ts'
import { evidenceTargets } from './evidence-targets.ts'
import { formatTargets } from './format-targets.ts'
import { governanceTargets } from './governance-targets.ts'
import { hsmTargets } from './hsm-targets.ts'
import { logTargets } from './log-targets.ts'
import { modelTargets } from './model-targets.ts'
import { releaseTargets } from './release-targets.ts'
import { roomTargets } from './room-targets.ts'
import { serverTargets } from './server-targets.ts'
import { socketTargets } from './socket-targets.ts'
import type { Target } from './target.ts'
import { tensorTargets } from './tensor-targets.ts'
import { textTargets } from './text-targets.ts'
import { tokenTargets } from './token-targets.ts'
import { trainingTargets } from './training-targets.ts'
import { verifierTargets } from './verifier-targets.ts'

/** Every target, in the order in which they run. */
export const targets: readonly Target[] = [
  ...formatTargets,
  ...dialectTargets,
  ...documentTargets,
  ...governanceTargets,
  ...custodyTargets,
  ...contractTargets,
  ...roomTargets,
  ...hsmTargets,
  ...releaseTargets,
  ...tokenTargets,
  ...logTargets,
  ...socketTargets,
  ...modelTargets,
  ...tensorTargets,
  ...serverTargets,
  ...textTargets,
  ...engineTargets,
  ...evidenceTargets,
  ...trainingTargets,
  ...verifierTargets,
]

import { documentTargets } from './document-targets.ts'
import { evidenceTargets } from './evidence-targets.ts'
import { formatTargets } from './format-targets.ts'
import type { Target } from './target.ts'
import { verifierTargets } from './verifier-targets.ts'

/** Every target, in the order in which they run. */
export const targets: readonly Target[] = [
  ...formatTargets,
  ...documentTargets,
  ...evidenceTargets,
  ...verifierTargets,
]

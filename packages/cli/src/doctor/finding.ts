import type { HardwareFinding } from '@sotto/protocol/evidence-hardware'

/** One thing this machine has or lacks. `broken` is what must be fixed before Sotto works here. */
export interface Finding {
  name: string
  status: 'ok' | 'absent' | 'broken'
  found: string
  /** What `found` says about a source of evidence, in parts. What is `blocked` there is `absent` here. */
  evidence?: HardwareFinding
}

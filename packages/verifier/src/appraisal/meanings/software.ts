import type { MeaningsOf } from '../meaning.ts'
import type { SoftwarePolicy } from '../software-family.ts'

/** What members of a policy for the software TEE mean. */
export const SOFTWARE_MEANINGS: MeaningsOf<SoftwarePolicy> = {
  // Never absent: its decoder demands it.
  roots: { is: 'allow', what: 'software root', absent: 'any' },
  measurements: { is: 'allow', what: 'MEASUREMENT', absent: 'any', pins: 'program' },
  hostData: { is: 'allow', what: 'HOST_DATA', absent: 'any', pins: 'configuration' },
}

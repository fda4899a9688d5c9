import type { Step } from '@sotto/verifier'
import type { words } from '../../words/index.ts'

/** Where in the chain a step belongs, from the hardware to this page. */
export type StationName = keyof typeof words.trust.stations

export interface Station {
  name: StationName
  steps: Step[]
  /** `open`: nothing is known; `skipped`: nothing was checked; `software`: it holds, and no hardware is behind it. */
  state: 'open' | 'pass' | 'software' | 'skipped' | 'fail'
}

const NAMES: readonly StationName[] = ['hardware', 'measurement', 'release', 'log', 'key', 'session']

/** By the first rule that fits: the longest name first. */
const PLACES: readonly [prefix: string, station: StationName][] = [
  ['kms.measurement', 'measurement'],
  ['keys.policy-tuples', 'measurement'],
  ['kms.release-logged', 'release'],
  ['genesis.', 'release'],
  ['kms.certificate', 'key'],
  ['kms.', 'hardware'],
  ['hardware.', 'hardware'],
  ['keys.', 'key'],
  ['log.consistency', 'session'],
  ['log.', 'log'],
]

/** Where a step is shown. What is not known belongs to this session: a step is never left out. */
export function stationOf(step: string): StationName {
  return PLACES.find(([prefix]) => step.startsWith(prefix))?.[1] ?? 'session'
}

/**
 * All steps by their place, those in the order they were checked.
 * @param isSoftware whether a program stands in the place of the hardware
 */
export function stations(steps: readonly Step[], isSoftware = false): Station[] {
  return NAMES.map((name) => {
    const own = steps.filter((step) => stationOf(step.name) === name)
    const state = stateOf(own)
    return {
      name,
      steps: own,
      state: isSoftware && name === 'hardware' && state === 'pass' ? 'software' : state,
    }
  })
}

/** A skipped step that is required refuses, so it shows as a failure; one passed step makes a station that holds. */
function stateOf(steps: readonly Step[]): Station['state'] {
  if (steps.length === 0) return 'open'
  if (steps.some(({ status, required }) => status === 'fail' || (required && status === 'skipped')))
    return 'fail'
  return steps.some(({ status }) => status === 'pass') ? 'pass' : 'skipped'
}

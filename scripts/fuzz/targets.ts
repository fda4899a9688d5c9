import { prepareSeed, type Seed } from './mutate.ts'
import { crashOf } from './oracle.ts'
import type { Target } from './target.ts'

/** A target that is ready to run. */
export interface LoadedTarget {
  seeds: Seed[]
  isVerifier: boolean
  /** Says why an input is a finding. */
  run(input: Uint8Array, seed: number): string | undefined
}

const ALL = new URL('all-targets.ts', import.meta.url).href

/**
 * Reads the seeds of a target.
 *
 * @param module that exports `targets`; default all of ours, others for tests of this program
 * @throws for a name that is none
 */
export async function loadTarget(name: string, module = ALL): Promise<LoadedTarget> {
  const { targets } = (await import(module)) as { targets: readonly Target[] }
  const target = targets.find((one) => one.name === name)
  if (target === undefined) throw new Error(`no target ${name}`)
  const seeds = (await target.seeds()).map(prepareSeed)
  return {
    seeds,
    isVerifier: target.isVerifier === true,
    run(input, seed) {
      try {
        target.run(input, seed)
        return undefined
      } catch (error) {
        return crashOf(error)
      }
    },
  }
}

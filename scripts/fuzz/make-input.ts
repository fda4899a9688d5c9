import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import type { LoadedTarget } from './targets.ts'

/** The input of this number: the same each time, whatever came before it. */
export function makeInput(
  { seeds, isVerifier }: LoadedTarget,
  seed: number,
  index: number,
  random = new Random(0),
): { input: Uint8Array; seed: number } {
  random.restart(seed, index)
  const one = random.below(seeds.length)
  // The smaller of two: small inputs are fast, and large ones seldom do more. Pieces of a case all count.
  const chosen = isVerifier ? one : Math.min(one, random.below(seeds.length))
  return { input: mutate(seeds[chosen]!, random, seeds), seed: chosen }
}

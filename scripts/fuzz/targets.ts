import { parserTargets } from './parser-targets.ts'
import { verifierTargets } from './verifier-targets.ts'

/** Something that reads untrusted bytes. */
export interface Target {
  name: string
  /** Valid inputs to start from; at least one. */
  seeds(): Uint8Array[]
  /** Reads a mutation of the seed of this index. Throws only for what must not happen. */
  run(input: Uint8Array, seed: number): void
}

const TARGETS: readonly Target[] = [...parserTargets, ...verifierTargets]

/** Every target, in the order in which they run. */
export function targetNames(): string[] {
  return TARGETS.map(({ name }) => name)
}

/** A target with its seeds read. @throws for a name that is none, or a target without seeds */
export function loadTarget(name: string): { seeds: Uint8Array[]; run: Target['run'] } {
  const target = TARGETS.find((one) => one.name === name)
  if (target === undefined) throw new Error(`no target ${name}`)
  const seeds = target.seeds()
  if (seeds.length === 0) throw new Error(`target ${name} has nothing to start from`)
  return { seeds, run: (input, seed) => target.run(input, seed) }
}

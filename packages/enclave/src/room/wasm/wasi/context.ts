import type { Descriptors } from './descriptors.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { RandomStream } from './random-stream.ts'
import type { WasiFunctionName } from './signatures.ts'

/** What the functions of WASI work on: one run's, and nothing else. */
export interface WasiContext {
  readonly memory: GuestMemory
  readonly descriptors: Descriptors
  /** As the module finds them, with its name first. */
  readonly args: readonly Uint8Array[]
  /** Nanoseconds since 1970: the time of all clocks, for the whole run. */
  readonly time: bigint
  readonly random: RandomStream
  /** Takes fuel for what a call does, in instructions. @throws `ROOM_WASM_FUEL` which ends the run */
  pay(instructions: number): void
}

/** Functions of WASI: numbers of 64 bits are bigints. They throw `WasiError`, or what ends the run. */
export type WasiFunctions = {
  readonly [Name in WasiFunctionName]?: (...values: never[]) => void
}

/** Instructions that so many bytes cost which a call copies. */
export function costOfBytes(bytes: number): number {
  return Math.ceil(bytes / 8)
}

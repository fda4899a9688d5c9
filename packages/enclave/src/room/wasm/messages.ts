/** What a room and the process of one module say to each other. The room asks, the process answers each before the next. */
import type { RoomWasmErrorCode } from './errors.ts'
import type { Execution } from './execute.ts'
import type { MeterLimits } from './meter.ts'

export type Question =
  /** First, after the pieces of the module: no input is looked at before the module is one that may run. */
  { readonly ask: 'load'; readonly limits: MeterLimits } | ({ readonly ask: 'run' } & Execution)

export type Answer =
  | { readonly say: 'loaded' }
  /** After the pieces of the output. */
  | { readonly say: 'ran' }
  /** The code alone: the process may have been taken over by what it ran. */
  | { readonly say: 'failed'; readonly code: RoomWasmErrorCode }

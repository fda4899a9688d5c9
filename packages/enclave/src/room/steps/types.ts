import type { Name, RunOffer, RunPlan, Transform } from '@sotto/protocol/contract'
import type { EngineHost } from '../../engines/index.ts'
import type { ContainerEngine } from '../container/index.ts'
import type { RunInputs } from '../inputs/run-inputs.ts'
import type { StepResult } from '../results.ts'
import type { BoardStatesOptions } from './board-states.ts'

/** What a room computes with. What is absent it cannot do. */
export interface StepTools {
  host: EngineHost
  /** Queries: the program of their process, and the folder that has DuckDB. */
  sql?: { entry: string; part: string; memoryBytes: number; threads: number; timeoutMs: number }
  /** Modules of WebAssembly: the program of their process. */
  wasm?: { entry: string }
  /** Trainings: the program of their process. */
  train?: {
    entry: string
    threads: number
    /** Before the first state is kept, in milliseconds; default 60 000. */
    firstStateMs?: number
  }
  /** Containers. */
  container?: ContainerEngine
}

/** One step of a run. */
export interface Step {
  transform: Transform
  plan: RunPlan
  offer: RunOffer
  /** Of the outputs that it makes at most, bytes; of a step that only others read: as much as a room holds. */
  maxBytes: number
  inputs: RunInputs
  /** Of the steps before it. */
  results: ReadonlyMap<Name, StepResult>
  tools: StepTools
  /** 32 bytes of this run only, that its chance follows from: they leave the room in no form. */
  secret: Uint8Array
  signal: AbortSignal
  /** Where states of a training are kept, and which one it goes on from. */
  states: Pick<BoardStatesOptions, 'board' | 'access' | 'goesOnFrom' | 'onKept'>
  /** Told how many of how many things are done; of a training whose contract shows it, the loss in millionths. */
  onProgress(done: number, of: number, lossMicros?: number): void
  /** Told of a transcript: words of a recording, which count as the owner's text. */
  onTranscript(text: string): void
  /** Told the digest of a model that was used. */
  onModel(input: Name, digest: string): void
}

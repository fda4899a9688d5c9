import type { Name, RunOffer, RunPlan, Transform } from '@sotto/protocol/contract'
import type { EngineHost } from '../../engines/index.ts'
import type { ContainerEngine } from '../container/index.ts'
import type { RunInputs } from '../inputs/run-inputs.ts'
import type { StepResult } from '../results.ts'

/** What a room computes with. What is absent it cannot do. */
export interface StepTools {
  host: EngineHost
  /** Queries: the program of their process, and the folder that has DuckDB. */
  sql?: { entry: string; part: string; memoryBytes: number; threads: number; timeoutMs: number }
  /** Modules of WebAssembly: the program of their process. */
  wasm?: { entry: string }
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
  signal: AbortSignal
  /** Told how many of how many things are done. */
  onProgress(done: number, of: number): void
  /** Told of a transcript: words of a recording, which count as the owner's text. */
  onTranscript(text: string): void
  /** Told the digest of a model that was used. */
  onModel(input: Name, digest: string): void
}

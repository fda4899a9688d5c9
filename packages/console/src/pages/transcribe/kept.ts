import { open } from '../../keep/index.ts'
import type { State } from './queue.ts'
import type { Segment } from './segments.ts'

/** A transcript in this browser, with everything that was edited. */
export interface KeptTranscript {
  /** Begins with the time, so that the oldest comes first. */
  id: string
  name: string
  /** Milliseconds since the epoch, by this device. */
  at: number
  /** Of the recording. */
  bytes: number
  state: State
  segments: readonly Segment[]
  seconds: number | undefined
  peaks: Uint8Array | undefined
  model: string | undefined
  language: string | undefined
  /** Whether the recording itself is kept too. */
  isSoundKept: boolean
}

/** Transcripts by their id. */
export const transcripts = open<KeptTranscript>('transcripts')

/** Recordings whose reader said so, by the id of the transcript. */
export const recordings = open<Blob>('recordings')

/** A new id; later ones sort behind. */
export function newId(at: number): string {
  return `${String(at).padStart(15, '0')}-${crypto.randomUUID().slice(0, 8)}`
}

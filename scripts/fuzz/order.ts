/** Most inputs between two reports. */
export const MAX_BATCH = 5000

/** What the process that fuzzes is told. */
export interface Order {
  target: string
  /** Where it is, when it is none of ours. */
  module?: string
  seed: number
  /** First input, and the one after the last. */
  from: number
  to: number
  /** Ends earlier after so many seconds. */
  seconds: number
  /**
   * Looks closely: measures each input alone, and writes its number there before it is read. To find the one that
   * ends, stops or swells the process.
   */
  trace?: string
}

/** Something that must not happen. */
export interface Finding {
  kind: 'crash' | 'hang' | 'memory'
  index: number
  what: string
}

/** What the process says after each batch. */
export interface Progress {
  /** Inputs before this one were read. */
  next: number
  /** Since the first of them. */
  seconds: number
  seeds: number
  largestMegabytes: number
  slowestMs: number
  slowestIndex: number
  findings: Finding[]
  /** The batch before `next` took more memory than one input may: the process is to be replaced. */
  isSwollen: boolean
  isDone: boolean
}

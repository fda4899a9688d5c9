/** What a room and the process of one training say to each other. The room asks, the process answers each before the next. */
import type { Column, FinetuneTask, Name, OutputPart, TrainTask } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { Failure } from './failure.ts'

/** How a table is written that can be trained on. */
export const TABLE_MEDIA = ['csv', 'jsonl'] as const
export type TableMedia = (typeof TABLE_MEDIA)[number]

/** A table to be read from a descriptor of the process. */
export interface TableMessage {
  readonly name: Name
  readonly fd: number
  readonly bytes: number
  readonly media: TableMedia
  readonly columns: readonly Column[]
  readonly contributor?: string
}

/** Texts, each behind its length, to be read from a descriptor of the process. */
export interface TextMessage {
  readonly name: Name
  readonly fd: number
  readonly bytes: number
  readonly items: number
}

/** A file of the model that a party sealed. */
export interface ModelFileMessage {
  readonly name: string
  /** `weights`: the model itself; of a graph, `weights-data` lies beside it. */
  readonly role: string
  readonly fd: number
  readonly bytes: number
}

/** Bytes of a state that a room keeps, at most: of a larger model it keeps none. */
export const MAX_STATE_BYTES: number = 2 ** 29
/** The same as it is written and sealed: names, sizes and a tag for each chunk take less than a part in 32. */
export const MAX_SEALED_STATE_BYTES: number = MAX_STATE_BYTES + MAX_STATE_BYTES / 32

/** A state of the training: how many steps were done. */
export interface KeptState {
  readonly step: number
}

export type Question =
  /** Whether a task can be trained, before there are data. */
  | { readonly ask: 'try'; readonly task: TrainTask }
  /** After a piece, the secret of the run; with `from` after further ones, of the state that it goes on from. */
  | {
      readonly ask: 'train'
      readonly task: TrainTask
      readonly tables: readonly TableMessage[]
      readonly graph: readonly ModelFileMessage[]
      readonly parts: readonly (readonly [part: OutputPart, maxBytes: number])[]
      readonly threads: number
      readonly from?: KeptState
    }
  /** The same, of a language model. */
  | {
      readonly ask: 'finetune'
      readonly task: FinetuneTask
      readonly texts: readonly TextMessage[]
      readonly model: readonly ModelFileMessage[]
      readonly parts: readonly (readonly [part: OutputPart, maxBytes: number])[]
      readonly threads: number
      readonly from?: KeptState
    }
  | { readonly ask: 'go-on' }
  /** For the state, while it waits at a step. */
  | { readonly ask: 'keep' }
  | { readonly ask: 'give'; readonly part: OutputPart }

export type Answer =
  | { readonly say: 'tried' }
  /** To `train`, `finetune` and `go-on`: it waits at some step, or with `ended` it is over. */
  | {
      readonly say: 'stands'
      readonly done: number
      readonly of: number
      readonly lossMicros?: number
      readonly ended?: { readonly reason: 'steps' | 'early'; readonly graph?: Digest }
    }
  /** After the pieces of the state, which the room seals; without one, where what is trained has none. */
  | { readonly say: 'kept'; readonly state?: KeptState }
  /** After the pieces of a part. */
  | { readonly say: 'gave' }
  | ({ readonly say: 'failed' } & Failure)

import type {
  CodeLimits,
  Column,
  InferTask,
  InputKind,
  Name,
  Output,
  Rules,
  SqlTask,
} from '@sotto/protocol/contract'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import type { DraftFinetune, DraftTrain } from './train/index.ts'

/**
 * A draft of a contract: what people write, as YAML. It has everything of a contract but what only a room knows: keys of
 * its members, the deployment, the salt. Names of members in the file are given here where they differ.
 */
export interface Draft {
  /** Absolute path it was read from. */
  path: string
  /** For people, 1 to 64 characters. */
  title: string
  /** Names of members of the room, 1 to 16: each has a key of its own. */
  parties: Name[]
  /** By name, 1 to 64. */
  inputs: Record<Name, DraftInput>
  /** By name, 1 to 32, each after those whose result it reads. */
  transforms: Record<Name, DraftTransform>
  /** By name, 1 to 64. */
  outputs: Record<Name, DraftOutput>
  /** What the platform may do besides computing. Default: both. */
  consent: { logging: boolean; telemetry: boolean }
  valid: {
    /** `from`: a date or a time with its zone. Default: when it is proposed. */
    from: UnixSeconds | undefined
    /** `days`, 1 to 3660. Default 90. */
    days: number
  }
  /** `salt`: 32 random bytes, base64url, for digests of content that are agreed on beforehand. Default: drawn when it is proposed. */
  salt: string | undefined
}

/** Data, a model or code that one party brings. */
export interface DraftInput {
  owner: Name
  kind: InputKind
  /** `columns`, of tables: types by name, in order. */
  columns: Column[] | undefined
  /** `content`: digest that `sotto room data digest` prints. Default: not agreed on beforehand. */
  content: Digest | undefined
  /**
   * `rules`: `receivers` has to be there; `forbidden`, `min_contributors`, `contributor`, `noisy`, `max_common_words` and
   * `review` are as in a contract, and ask nothing where they are missing.
   */
  rules: Rules
  /**
   * `uses`: by transform, `{runs, epsilon, delta}`. Default: every transform that it reaches, 100 runs each; of a training
   * with a guarantee one run.
   */
  uses: Record<Name, DraftUse> | undefined
}

/** How often a transform may read an input, at which price. */
export interface DraftUse {
  /** Default 100, of a training with a guarantee 1. */
  runs: number | undefined
  /** `epsilon`: a decimal number of at most six places, over all runs. Default of a training: what these runs cost. */
  epsilonMicros: number | undefined
  /** `delta`, of a training, in the same way; of at most twelve places. */
  deltaTrillionths: number | undefined
}

/** A computation. Exactly one of `sql`, `infer`, `wasm`, `container`, `train` and `finetune` stands in the file. */
export interface DraftTransform {
  reads: Name[]
  /** `room`: digests of images. Default: those of the verified room of the service. */
  room: Digest[] | undefined
  task: DraftTask
}

/** What is not known before files are read is a path, relative to the folder of the draft. */
export type DraftTask =
  | (Omit<SqlTask, 'templates'> & { templates: DraftTemplate[] })
  | (Omit<InferTask, 'digest'> & { digest: Digest | { path: string } })
  | {
      kind: 'wasm'
      module: Name
      args: string[]
      limits: CodeLimits & { fuelMillions: number }
    }
  | {
      kind: 'container'
      image: Name
      manifest: Digest
      command: string[]
      env: Record<string, string>
      limits: CodeLimits
    }
  | DraftTrain
  | DraftFinetune

/** A query: its text, or the file that has it. */
export interface DraftTemplate {
  name: Name
  sql: string | { file: string }
  parameters: SqlTask['templates'][number]['parameters']
}

/** What leaves a room. */
export interface DraftOutput {
  from: Name
  /** `part`, of a training: `model`, `metrics`, `predictions`, `safetensors`. Default: the model. */
  part: Output['part']
  receivers: Name[]
  /** `max_bytes`: a number, or `64KiB`, `1MiB`, `2GB`. */
  maxBytes: number
}

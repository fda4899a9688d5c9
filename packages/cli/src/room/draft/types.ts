import type { CodeLimits, Column, InputKind, InferTask, Name, Rules, SqlTask } from '@sotto/protocol/contract'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'

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
  /** `uses`: by transform, `{runs, epsilon}`. Default: every transform that it reaches, 100 runs each. */
  uses: Record<Name, DraftUse> | undefined
}

/** How often a transform may read an input, at which price. */
export interface DraftUse {
  /** Default 100. */
  runs: number
  /** `epsilon`: a decimal number of at most six places, over all runs. */
  epsilonMicros: number | undefined
}

/** A computation. Exactly one of `sql`, `infer`, `wasm` and `container` stands in the file. */
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

/** A query: its text, or the file that has it. */
export interface DraftTemplate {
  name: Name
  sql: string | { file: string }
  parameters: SqlTask['templates'][number]['parameters']
}

/** What leaves a room. */
export interface DraftOutput {
  from: Name
  receivers: Name[]
  /** `max_bytes`: a number, or `64KiB`, `1MiB`, `2GB`. */
  maxBytes: number
}

export type { Adviser, CommandContext, GlobalFlags, Io, Source } from './context.ts'
export {
  EXIT,
  EXIT_MEANINGS,
  exitCodeOf,
  exitCodeOfReceipt,
  exitCodeOfVerdict,
  isAbort,
} from './exit-codes.ts'
export { describeFailure, type Failure, formatFailure } from './failure.ts'
export { createProcessIo, type ProcessIo } from './process-io.ts'
export { GLOBAL_FLAGS } from './program.ts'
export { runCli, type RunOptions } from './run.ts'
export {
  type ArgumentSpec,
  type Command,
  type CommandSpec,
  defineCommand,
  type FlagSpec,
  type FlagSpecs,
  type FlagValues,
} from './spec.ts'

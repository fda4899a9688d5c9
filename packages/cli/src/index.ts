export { commands, VERSION } from './commands/index.ts'
export { cliError, type CliErrorCode } from './errors.ts'
export { type Command, type CommandContext, defineCommand, EXIT, type Io, runCli } from './framework/index.ts'

#!/usr/bin/env node
import { createProcessIo, EXIT, runCli } from './framework/index.ts'
import { commands, VERSION } from './commands/index.ts'

const { io, interruptedBy, flush } = createProcessIo()
const code = await runCli(process.argv.slice(2), io, { commands, version: VERSION })
await flush()
// Idle connections and an open standard input must not keep a finished command alive.
process.exit(code === EXIT.interrupted && interruptedBy() === 'SIGTERM' ? 143 : code)

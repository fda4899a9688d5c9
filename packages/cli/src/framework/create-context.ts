import { createInterface } from 'node:readline/promises'
import type { Config } from '../config/index.ts'
import { loadConfig } from '../config/index.ts'
import { cliError } from '../errors.ts'
import {
  createForeignText,
  createStyle,
  printableJson,
  printableStyled,
  wantsColor,
} from '../terminal/index.ts'
import { adviceOn } from './advice.ts'
import type { Adviser, CommandContext, GlobalFlags, Io } from './context.ts'
import { exitCodeOf } from './exit-codes.ts'
import { describeFailure, formatFailure } from './failure.ts'

/** Cleanups of one run, newest first. */
export type Cleanups = (() => void | Promise<void>)[]

/** Binds the outside world and the global flags to what handlers see. */
export function createContext(
  io: Io,
  global: GlobalFlags,
  cleanups: Cleanups,
  advisers: Adviser[],
): CommandContext {
  let config: Promise<Config> | undefined
  const style = {
    out: createStyle(wantsColor(global.color, io.env, io.stdout.isTerminal)),
    err: createStyle(wantsColor(global.color, io.env, io.stderr.isTerminal)),
  }
  const say = (line: string): void => void io.stderr.write(`${printableStyled(line)}\n`)
  return {
    io,
    global,
    style,
    signal: io.signal,
    config: () => (config ??= loadConfig(io, global.config)),
    out: (line) => void io.stdout.write(`${io.stdout.isTerminal ? printableStyled(line) : line}\n`),
    json: (value) => void io.stdout.write(`${printableJson(value, 2)}\n`),
    foreign: () => createForeignText(io.stdout, { isData: !io.stdout.isTerminal }),
    foreignTalk: () =>
      createForeignText(global.quiet ? { ...io.stderr, write: () => {} } : io.stderr, { isData: false }),
    note: (line) => void (global.quiet || say(line)),
    detail: (line) => void (global.verbose && say(style.err.dim(line))),
    warn: (line) => say(style.err.yellow(line)),
    confirm: (question) => confirm(io, global, question),
    onExit: (cleanup) => void cleanups.unshift(cleanup),
    onFailure: (adviser) => void advisers.push(adviser),
    async reportFailure(error) {
      void io.stderr.write(formatFailure(describeFailure(error, await adviceOn(error, advisers)), style.err))
      return exitCodeOf(error)
    },
  }
}

async function confirm(io: Io, global: GlobalFlags, question: string): Promise<boolean> {
  if (global.yes) return true
  if (!io.stdin.isTerminal || !io.stderr.isTerminal) {
    throw cliError('CLI_USAGE', 'this needs your confirmation and there is no terminal to ask on', {
      hint: 'pass --yes',
    })
  }
  const lines = createInterface({ input: io.stdin.stream, terminal: false })
  try {
    void io.stderr.write(`${printableStyled(question)} [y/N] `)
    const answer = await lines.question('', { signal: io.signal })
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}

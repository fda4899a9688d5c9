import { SottoError } from '@sotto/protocol/errors'
import type { CommanderError } from 'commander'
import { cliError, ServiceError, type ServiceProblem } from '../errors.ts'
import { printableLine, type Style } from '../terminal/index.ts'
import { isAbort } from './exit-codes.ts'

/** An error as people and scripts read it. */
export interface Failure {
  /** Absent from what people see when nobody gave the error one. */
  code: string
  action: string
  message: string
  hint?: string
  expected?: string
  found?: string
  /** What the service itself said, where the error is its answer. */
  service?: ServiceProblem
}

const USAGE_HINT = 'run sotto --help, or --help after a command, to see what it takes'

/** Turns the parser's own error into ours: first line message, the rest (did you mean) as hint. */
export function fromCommander(error: CommanderError): SottoError {
  // A group (`sotto receipt`) without one of its commands.
  if (error.code === 'commander.help')
    return cliError('CLI_USAGE', 'a command is missing', { hint: USAGE_HINT })
  const [first = '', ...rest] = error.message
    .replace(/^error: /, '')
    // Our own words on a number say it all.
    .replace(/^option '.*' argument '.*' is invalid\. (?=--)/, '')
    .split('\n')
  const suggestion = rest
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1')
  return cliError('CLI_USAGE', lowerFirst(first), {
    hint: suggestion === '' ? USAGE_HINT : lowerFirst(suggestion),
  })
}

/** Code of what was thrown without one: our own mistake. */
const UNCODED = 'INTERNAL'

/**
 * Describes anything thrown; `advice` takes the place of its hint. A stack is for `--verbose` only and never
 * part of this.
 */
export function describeFailure(error: unknown, advice?: string): Failure {
  if (isAbort(error)) return { code: 'CLI_CANCELLED', action: 'retry', message: 'interrupted' }
  if (error instanceof SottoError) {
    const failure: Failure = { code: error.code, action: error.action, message: printableLine(error.message) }
    if (error.expected !== undefined) failure.expected = printableLine(error.expected)
    if (error.found !== undefined) failure.found = printableLine(error.found)
    const hint = advice ?? error.hint ?? ADVICE[error.code]
    if (hint !== undefined) failure.hint = printableLine(hint)
    if (error instanceof ServiceError) failure.service = error.service
    return failure
  }
  const message = error instanceof Error ? error.message : 'unknown failure'
  return { code: UNCODED, action: 'retry', message: printableLine(message) }
}

/** `error: … [CODE]` then `hint:`, as every failure ends. Lower case, no full stop. */
export function formatFailure(failure: Failure, style: Style): string {
  const codes = [failure.code, failure.service?.code].filter((code) => code !== UNCODED && code !== undefined)
  const message = lowerFirst(failure.message).replace(/(?<=\w)\.$/, '')
  const lines = [
    `${style.red('error:')} ${message}${codes.length === 0 ? '' : style.dim(` [${codes.join(' ')}]`)}`,
  ]
  if (failure.expected !== undefined) lines.push(`  expected: ${failure.expected}`)
  if (failure.found !== undefined) lines.push(`  found:    ${failure.found}`)
  if (failure.hint !== undefined)
    lines.push(`${style.yellow('hint:')} ${lowerFirst(failure.hint).replace(/(?<=\w)\.$/, '')}`)
  return `${lines.join('\n')}\n`
}

/** Advice for errors of the libraries, whose own hints do not know about flags. */
const ADVICE: Readonly<Record<string, string | undefined>> = {
  VERIFY_REFUSED: 'nothing was sent; sotto verify shows every step',
  RELAY_UNREACHABLE: 'is the relay still running? Nothing but ciphertext was sent; run the command again',
  BUNDLE_UNREACHABLE: 'is the relay running? sotto up starts a local one',
  RESPONSE_TRUNCATED: 'the answer is incomplete, do not use it; run the command again',
}

function lowerFirst(text: string): string {
  // Names in capitals (HOST_DATA, OHTTP) stay as they are.
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

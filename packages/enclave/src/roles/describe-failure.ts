import { SottoError } from '@sotto/protocol/errors'

/** The code of anything thrown. */
export function codeOf(error: unknown): string {
  return error instanceof SottoError ? error.code : 'INTERNAL'
}

/** Code and digests of why an engine was given up; its other words may be an engine's own. */
export function describeFailure(reason: Error): { code: string; expected?: string; found?: string } {
  if (!(reason instanceof SottoError)) return { code: 'INTERNAL' }
  const digest = (text: string | undefined): string | undefined =>
    text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : undefined
  const [expected, found] = [digest(reason.expected), digest(reason.found)]
  return { code: reason.code, ...(expected && { expected }), ...(found && { found }) }
}

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { concat, fromUtf8 } from '@sotto/protocol/bytes'
import { cliError } from '../../errors.ts'
import type { CommandContext, FlagValues } from '../../framework/index.ts'

/** Longest answer: a page of accounts. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 60_000

/** Flags of every command that manages accounts. */
export const ADMIN_FLAGS = {
  admin: { type: 'string', value: 'URL', summary: 'admin address of the issuer (SOTTO_ISSUER_ADMIN)' },
  'token-file': {
    type: 'string',
    value: 'FILE',
    summary: "the issuer's admin.token (or SOTTO_ISSUER_ADMIN_TOKEN)",
  },
} as const

/** Values of {@link ADMIN_FLAGS}. */
export type AdminFlags = FlagValues<typeof ADMIN_FLAGS>

/** An answer of the issuer; its fields are shown, not interpreted. */
export type AdminAnswer = Readonly<Record<string, unknown>>

/**
 * Calls an admin route of the issuer, on this machine.
 * @throws `CLI_USAGE`, `CLI_CONFIG`; `CLI_AUTH` a wrong admin token; `CLI_REQUEST`, `CLI_SERVICE` with the issuer's words
 */
export async function callAdmin(
  context: CommandContext,
  flags: AdminFlags,
  method: string,
  path: string,
  body?: object,
): Promise<AdminAnswer> {
  const address = adminAddress(flags.admin ?? context.io.env['SOTTO_ISSUER_ADMIN'])
  const headers = {
    authorization: `Bearer ${await adminToken(context, flags)}`,
    'content-type': 'application/json',
  }
  let response: Response
  try {
    response = await context.io.fetch(address + path, {
      method,
      headers,
      redirect: 'error',
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  } catch (cause) {
    context.signal.throwIfAborted()
    throw cliError('CLI_SERVICE', 'the issuer does not answer at its admin address', {
      cause,
      found: address,
    })
  }
  const answer = await readAnswer(response)
  if (response.ok) return answer
  const { code, message } = (answer['error'] ?? {}) as { code?: string; message?: string }
  const words = message ?? `the issuer answered ${response.status}`
  const found = code === undefined ? {} : { found: code }
  if (response.status === 401) throw cliError('CLI_AUTH', words, found)
  throw cliError(response.status < 500 ? 'CLI_REQUEST' : 'CLI_SERVICE', words, found)
}

/** The token would travel in clear: it stays on this machine. */
function adminAddress(text: string | undefined): string {
  if (text === undefined || text === '')
    throw cliError('CLI_USAGE', 'no issuer to talk to', {
      hint: 'pass --admin URL or set SOTTO_ISSUER_ADMIN',
    })
  const url = URL.parse(text)
  const isHere = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (!isHere || !/^https?:$/.test(url.protocol))
    throw cliError('CLI_USAGE', 'the admin address is not one of this machine', {
      found: url?.origin ?? 'no URL',
      hint: 'run this where the issuer runs, or forward its port',
    })
  return url.href.replace(/\/+$/, '')
}

async function adminToken(context: CommandContext, flags: AdminFlags): Promise<string> {
  const file = flags['token-file']
  const fromEnvironment = context.io.env['SOTTO_ISSUER_ADMIN_TOKEN']
  if (file === undefined && fromEnvironment) return fromEnvironment
  if (file === undefined)
    throw cliError('CLI_USAGE', 'no admin token', {
      hint: 'pass --token-file FILE or set SOTTO_ISSUER_ADMIN_TOKEN',
    })
  try {
    return (await readFile(resolve(context.io.cwd, file), 'utf8')).trim()
  } catch (cause) {
    throw cliError('CLI_CONFIG', `cannot read the admin token ${file}`, { cause })
  }
}

/** @throws when the answer is longer than any of an issuer */
async function readBounded({ body }: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body ?? []) {
    if ((length += part.length) > MAX_ANSWER_BYTES) throw new Error('the answer is too long')
    parts.push(part)
  }
  return concat(...parts)
}

async function readAnswer(response: Response): Promise<AdminAnswer> {
  try {
    const value: unknown = JSON.parse(fromUtf8(await readBounded(response)))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AdminAnswer
  } catch {
    // Falls through: whatever it is, it is no issuer.
  }
  throw cliError('CLI_SERVICE', 'what answers at the admin address is no issuer')
}

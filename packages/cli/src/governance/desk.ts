import { resolve } from 'node:path'
import { concat, fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError, type ErrorAction } from '@sotto/protocol/errors'
import type { MemberSigner } from '@sotto/protocol/governance'
import type { TrustPolicy } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { readPolicy, resolvePolicyPath } from '../service/index.ts'
import { type Ask, type Governance, readGovernance } from './kms.ts'
import { readMemberKey } from './member-key-file.ts'

/** Flags of every command that talks to a KMS as a member. */
export const KMS_FLAGS = {
  kms: { type: 'string', value: 'URL', summary: 'the KMS (SOTTO_KMS)' },
  policy: {
    type: 'string',
    value: 'FILE',
    summary: 'trust policy that pins the genesis of the KMS (SOTTO_POLICY)',
  },
} as const

/** As {@link KMS_FLAGS}, with the member's key. */
export const MEMBER_FLAGS = {
  ...KMS_FLAGS,
  key: { type: 'string', value: 'FILE', summary: 'your member key, as sotto keys new wrote it' },
} as const

/** Longest answer of a KMS: a proposal with its release statements. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 60_000

/** A KMS of the pinned genesis, and what is going on there. */
export interface Desk {
  kmsUrl: string
  governance: Governance
  ask: Ask
}

/** Opens the desk. @throws `CLI_USAGE`, `CLI_CONFIG` and those of `readGovernance` */
export async function openDesk(
  context: CommandContext,
  flags: { kms: string | undefined; policy: string | undefined },
): Promise<Desk> {
  const { kmsUrl, policy, ask } = await resolveKms(context, flags)
  return { kmsUrl, ask, governance: await readGovernance(kmsUrl, policy.genesis, ask) }
}

/** A KMS, and the policy it is judged by. @throws `CLI_USAGE`, `CLI_CONFIG` */
export async function resolveKms(
  context: CommandContext,
  flags: { kms?: string | undefined; policy?: string | undefined },
): Promise<{ kmsUrl: string; policy: TrustPolicy; ask: Ask }> {
  const config = await context.config()
  const kmsUrl = requireKmsUrl(flags.kms ?? config.get('kms')?.value)
  // A local stack's policy vouches for the local stack alone.
  const isOwnStack = config.get('kms')?.value === kmsUrl
  const path = await resolvePolicyPath(
    context,
    { policy: flags.policy },
    isOwnStack ? config.get('host')?.value : kmsUrl,
  )
  return { kmsUrl, policy: await readPolicy(path), ask: createAsk(context) }
}

/** The address of a KMS, without a slash at its end. @throws `CLI_USAGE` */
function requireKmsUrl(given: string | undefined): string {
  const url = (given ?? '').replace(/\/+$/, '')
  if (url === '')
    throw cliError('CLI_USAGE', 'no KMS to talk to', {
      hint: 'pass --kms URL, set SOTTO_KMS, or start a local stack here with sotto up',
    })
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw cliError('CLI_USAGE', 'this is not the address of a KMS', {
    expected: 'http:// or https://',
    found: url,
  })
}

/** The member's key, which must be that of a member in force. @throws `CLI_USAGE`, `CLI_FILE` */
export async function openMember(
  { io }: CommandContext,
  file: string | undefined,
  { governance: { inForce } }: Desk,
): Promise<{ signer: MemberSigner; name: string }> {
  if (file === undefined) throw cliError('CLI_USAGE', 'no member key', { hint: 'pass --key FILE' })
  const signer = await readMemberKey(resolve(io.cwd, file))
  const member = inForce.members.find(({ key }) => key === signer.key)
  if (member !== undefined) return { signer, name: member.name }
  throw cliError('CLI_REFUSED', 'this key is not that of a member in force', {
    expected: inForce.members.map(({ name }) => name).join(', '),
    found: signer.key,
  })
}

/** Asks a KMS; its refusals keep their codes. @throws `CLI_SERVICE` */
function createAsk({ io, signal }: CommandContext): Ask {
  return async <T>(url: string, body?: object): Promise<T> => {
    let response: Response
    try {
      response = await io.fetch(url, {
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      })
    } catch (cause) {
      signal.throwIfAborted()
      throw cliError('CLI_SERVICE', `no answer from ${new URL(url).host}`, {
        cause,
        hint: 'is the KMS running?',
      })
    }
    const answer = await readAnswer(response)
    if (response.ok) return answer as T
    throw refusalOf(answer, response.status)
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  try {
    const parts: Uint8Array[] = []
    let length = 0
    for await (const part of response.body ?? []) {
      if ((length += part.length) > MAX_ANSWER_BYTES) throw new Error('the answer is too long')
      parts.push(part)
    }
    return JSON.parse(fromUtf8(concat(...parts)))
  } catch (cause) {
    throw cliError('CLI_SERVICE', 'the KMS did not answer in JSON', {
      found: `status ${response.status}`,
      cause,
    })
  }
}

/** The KMS's own error, as far as it has the form of one. */
function refusalOf(answer: unknown, status: number): Error {
  const { error } = (answer ?? {}) as {
    error?: { code?: string; message?: string; action?: ErrorAction; expected?: string; found?: string }
  }
  if (typeof error?.code !== 'string' || typeof error.message !== 'string')
    return cliError('CLI_SERVICE', 'the KMS failed', { found: `status ${status}` })
  const { code, message, action = 'retry', expected, found } = error
  return new SottoError(code, action, message, {
    ...(typeof expected === 'string' && { expected }),
    ...(typeof found === 'string' && { found }),
  })
}

import type { FollowedLog } from '@sotto/client/monitor'
import { parseVerifierKey, type VerifierKey } from '@sotto/protocol/note'
import type { TrustPolicy } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import type { CommandContext, FlagValues } from '../framework/index.ts'
import { readPolicy, resolvePolicyPath } from '../service/index.ts'

/** Flags of every command that reads a log. */
export const LOG_FLAGS = {
  log: {
    type: 'string',
    value: 'URL',
    summary: 'where the log serves checkpoint and tile/... (SOTTO_LOG; a relay passes no entries on)',
  },
  policy: {
    type: 'string',
    value: 'FILE',
    summary: 'trust policy that names log and witnesses (SOTTO_POLICY)',
  },
  key: { type: 'string', value: 'KEY', summary: 'verifier key of the log, where there is no policy' },
  origin: {
    type: 'string',
    value: 'ORIGIN',
    summary: 'origin of its checkpoints (default: the name of --key)',
  },
  witness: {
    type: 'string',
    value: 'KEY',
    repeats: true,
    summary: 'verifier key of a witness, beside --key; may be given several times',
  },
  quorum: {
    type: 'number',
    value: 'N',
    summary: 'cosignatures a checkpoint needs, beside --key (default: of all --witness)',
    min: 1,
    max: 16,
    integer: true,
  },
} as const

/** Values of {@link LOG_FLAGS}. */
export type LogFlags = FlagValues<typeof LOG_FLAGS>

/** Which log, and who must have seen it. */
export interface LogTarget {
  followed: FollowedLog
  /** Absent where the flags name the log. */
  policy?: TrustPolicy
}

/** Without a policy: as clients have it at most. */
const MAX_AGE_SECONDS = 3600

/**
 * What a log is judged by: a trust policy, or its key.
 * @throws `CLI_USAGE` neither or both; `CLI_CONFIG` as `readPolicy`
 */
export async function resolveLog(context: CommandContext, flags: LogFlags): Promise<LogTarget> {
  if (flags.key === undefined) {
    if (flags.witness !== undefined || flags.quorum !== undefined || flags.origin !== undefined)
      throw cliError('CLI_USAGE', '--witness, --quorum and --origin go with --key', {
        hint: 'a policy names its own witnesses',
      })
    const policy = await readPolicy(await resolvePolicyPath(context, flags))
    const { log, witnesses, checkpointMaxAgeSeconds } = policy
    return { policy, followed: { ...log, witnesses, checkpointMaxAgeSeconds } }
  }
  if (flags.policy !== undefined)
    throw cliError('CLI_USAGE', '--policy and --key both name the log', { hint: 'leave one out' })
  const key = verifierKey('--key', flags.key, 'ed25519')
  const witnesses = (flags.witness ?? []).map((text) => ({
    key: text,
    organisation: verifierKey('--witness', text, 'cosignature-v1').name,
    operator: false,
  }))
  const quorum = flags.quorum ?? Math.max(1, witnesses.length)
  if (witnesses.length > 0 && quorum > witnesses.length)
    throw cliError('CLI_USAGE', '--quorum is larger than the number of witnesses')
  return {
    followed: {
      origin: flags.origin ?? key.name,
      key: flags.key,
      // Who stands behind a key only a policy says.
      witnesses: { keys: witnesses, quorum, allowOperatorWitnesses: true },
      checkpointMaxAgeSeconds: MAX_AGE_SECONDS,
    },
  }
}

/** Where the log is read: an address of its own, for a relay passes its hashes on and not its entries. @throws `CLI_USAGE` */
export async function resolveLogUrl(context: CommandContext, flags: Pick<LogFlags, 'log'>): Promise<URL> {
  const config = await context.config()
  const text = flags.log ?? config.get('log')?.value
  if (text === undefined)
    throw cliError('CLI_USAGE', 'no log to read', { hint: 'pass --log URL, or set SOTTO_LOG' })
  const url = URL.parse(text)
  // What is read is signed and proven, and public: http does for a log of one's own.
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.search === '')
    return url
  throw cliError('CLI_USAGE', '--log is not an address', { expected: 'https://…/log' })
}

function verifierKey(flag: string, text: string, type: VerifierKey['type']): VerifierKey {
  try {
    const key = parseVerifierKey(text)
    if (key.type === type) return key
  } catch {
    // Said below.
  }
  throw cliError(
    'CLI_USAGE',
    `${flag} is not the verifier key of a ${type === 'ed25519' ? 'log' : 'witness'}`,
    {
      expected: 'name+hash+base64, as the log or witness prints it',
    },
  )
}

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { type Config, DEFAULT_GATEWAY, type Setting, type SettingName } from '../config/index.ts'
import { cliError } from '../errors.ts'
import type { CommandContext, FlagValues } from '../framework/index.ts'
import { adviseByStack } from './stack-advice.ts'

/** Flags of every command that talks to a service. */
export const TARGET_FLAGS = {
  host: { type: 'string', value: 'URL', summary: 'relay to use (SOTTO_HOST)' },
  gateway: {
    type: 'string',
    value: 'NAME',
    summary: 'gateway at the relay (SOTTO_GATEWAY, default inference)',
  },
  log: {
    type: 'string',
    value: 'URL',
    summary: 'where the log serves its tiles (SOTTO_LOG, default: at the relay)',
  },
  policy: { type: 'string', value: 'FILE', summary: 'trust policy: what you accept (SOTTO_POLICY)' },
} as const

/** Values of {@link TARGET_FLAGS}. */
export type TargetFlags = FlagValues<typeof TARGET_FLAGS>

/** Which service, and what is accepted of it. */
export interface Target {
  host: string
  gateway: string
  /** Log address; undefined: at the relay. */
  log: string | undefined
  policy: TrustPolicy
  /** Whether it is the stack of the working directory. */
  isLocalStack: boolean
  /** Path of the policy, for talk. */
  policyPath: string
}

/** Policies are a few KiB. */
const MAX_POLICY_BYTES = 256 * 1024

/**
 * Flags over configuration. Failures of a command whose target is the local stack are explained by its state.
 * @throws `CLI_USAGE` no host or no policy; `CLI_CONFIG` the policy file is unreadable or malformed
 */
export async function resolveTarget(context: CommandContext, flags: TargetFlags): Promise<Target> {
  const config = await context.config()
  const configured = config.get('host')
  const host = flags.host ?? configured?.value
  if (host === undefined) {
    throw cliError('CLI_USAGE', 'no service to talk to', {
      hint: 'pass --host URL, set SOTTO_HOST, or start a local stack here with sotto up',
    })
  }
  const isLocalStack = configured?.origin.startsWith('local stack') === true && host === configured.value
  if (isLocalStack) adviseByStack(context)
  const policyPath = await resolvePolicyPath(context, flags, host)
  const gateway = flags.gateway ?? settingFor(host, config, 'gateway')?.value ?? DEFAULT_GATEWAY
  const log = flags.log ?? settingFor(host, config, 'log')?.value
  return { host, gateway, log, isLocalStack, policy: await readPolicy(policyPath), policyPath }
}

/** Path of the policy in effect. @throws `CLI_USAGE` when there is none */
export async function resolvePolicyPath(
  context: CommandContext,
  flags: Pick<TargetFlags, 'policy'>,
  host?: string,
): Promise<string> {
  if (flags.policy !== undefined) return resolve(context.io.cwd, flags.policy)
  const config = await context.config()
  const setting = config.get('policy')
  // A local stack's policy is the stack's own word: it must not vouch for any other host.
  const foreign =
    setting?.origin.startsWith('local stack') && host !== undefined && host !== config.get('host')?.value
  if (setting === undefined || foreign) {
    throw cliError('CLI_USAGE', 'no trust policy: nothing says what you accept', {
      hint: 'pass --policy FILE or set SOTTO_POLICY; get the file from somebody you trust, not from the operator',
    })
  }
  return setting.value
}

/** A setting, unless it is about another host than this one: of a local stack, a context, or a file that names a host. */
export function settingFor(host: string, config: Config, name: SettingName): Setting | undefined {
  const setting = config.get(name)
  return setting?.ofHost === undefined || setting.ofHost === host ? setting : undefined
}

/** Reads a trust policy. @throws `CLI_CONFIG` */
export async function readPolicy(path: string): Promise<TrustPolicy> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw cliError('CLI_CONFIG', `cannot read the trust policy ${path}`, { cause })
  }
  try {
    if (text.length > MAX_POLICY_BYTES) throw new Error('too large')
    return parseTrustPolicy(text)
  } catch (cause) {
    const { message, expected, found } = cause as { message?: string; expected?: string; found?: string }
    throw cliError('CLI_CONFIG', `${path} is not a trust policy`, {
      cause,
      ...(message && { hint: message }),
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

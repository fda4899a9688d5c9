import { resolve } from 'node:path'
import { checkTrust } from '@sotto/client'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { encodeTrustPolicy } from '@sotto/verifier'
import { CONTEXT_NAME, contextFiles, saveContext } from '../../config/index.ts'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand, exitCodeOfVerdict } from '../../framework/index.ts'
import { readPrivateFile } from '../../input/index.ts'
import { announceSoftware, connectOptions, resolveTarget, TARGET_FLAGS } from '../../service/index.ts'

const MAX_KEY_BYTES = 1024
const KEY_HINT = 'sotto account key create makes one'
const { gateway, log } = TARGET_FLAGS

/** `sotto login URL` */
export const login: Command = defineCommand({
  path: ['login'],
  summary: 'Verify a service and make it the one that commands use',
  description:
    'Checks the service against your policy, sending nothing, and keeps its address, the policy and the account as a ' +
    'context. Nothing is kept of a service that does not verify. sotto context switches between several; SOTTO_CONTEXT ' +
    'names one for a single command.',
  arguments: [{ name: 'URL', summary: 'relay of the service', required: true }],
  flags: {
    policy: {
      type: 'string',
      value: 'FILE',
      summary: 'trust policy, from somebody you trust; a copy is kept (SOTTO_POLICY)',
    },
    name: { type: 'string', value: 'NAME', summary: 'name of the context (default: host of the relay)' },
    gateway,
    log,
    kms: { type: 'string', value: 'URL', summary: 'KMS, for members and owners' },
    issuer: {
      type: 'string',
      value: 'URL',
      summary: 'issuer of access tokens, where the service takes them',
    },
    'issuer-key': { type: 'string', value: 'KEY', summary: 'its key, from somebody you trust' },
    'account-key': {
      type: 'string',
      value: 'FILE',
      summary: 'file with the API key of your account at the issuer, mode 0600',
    },
  },
  examples: [
    'sotto login https://relay.example --policy policy.json',
    'SOTTO_CONTEXT=relay.example sotto chat',
  ],
  async run(context, [url = ''], flags) {
    if ((flags.issuer === undefined) !== (flags['issuer-key'] === undefined))
      throw cliError('CLI_USAGE', '--issuer and --issuer-key go together')
    if (flags['account-key'] !== undefined && flags.issuer === undefined)
      throw cliError('CLI_USAGE', '--account-key is for an --issuer')
    for (const name of ['kms', 'issuer'] as const) requireUrl(`--${name}`, flags[name])
    const name = flags.name ?? nameOf(url)
    // Says what is no name before anything is asked.
    contextFiles(context.io, name)
    const target = await resolveTarget(context, {
      host: url,
      gateway: flags.gateway,
      log: flags.log,
      policy: flags.policy,
    })
    const accountKey =
      flags['account-key'] === undefined
        ? undefined
        : await readAccountKey(resolve(context.io.cwd, flags['account-key']))
    const verdict = await checkTrust(target.host, connectOptions(context, target))
    if (!verdict.ok) {
      context.warn('nothing was kept: the service does not verify; sotto verify shows every step')
      return exitCodeOfVerdict(verdict)
    }
    const settings = {
      host: target.host,
      gateway: target.gateway,
      ...(target.log !== undefined && { log: target.log }),
      ...(flags.kms !== undefined && { kms: flags.kms }),
      ...(flags.issuer !== undefined && { issuer: flags.issuer, 'issuer-key': flags['issuer-key']! }),
    }
    // What was judged by, whatever has become of its file meanwhile.
    const policy = fromUtf8(encodeTrustPolicy(target.policy))
    const { folder } = await saveContext(context.io, name, settings, policy, accountKey)
    announceSoftware(context, verdict)
    if (context.global.json) context.json({ context: name, host: target.host, folder })
    else context.out(`verified ${target.host}; commands use it from now on, as context ${name}`)
    return exitCodeOfVerdict(verdict)
  },
})

/** The one line of a file that only its owner reads. @throws `CLI_FILE` */
async function readAccountKey(path: string): Promise<string> {
  const text = await readPrivateFile(path, { maxBytes: MAX_KEY_BYTES, hint: KEY_HINT })
  const key = text.trim()
  if (/^[\x21-\x7E]+$/.test(key)) return key
  throw cliError('CLI_FILE', `${path} holds no API key`, { expected: 'one line of it', hint: KEY_HINT })
}

function requireUrl(flag: string, value: string | undefined): void {
  if (value === undefined || /^https?:$/.test(URL.parse(value)?.protocol ?? '')) return
  throw cliError('CLI_USAGE', `${flag} is no address`, { expected: 'https://…' })
}

function nameOf(url: string): string {
  const host = URL.canParse(url) ? new URL(url).host.toLowerCase().replaceAll(':', '-') : ''
  if (CONTEXT_NAME.test(host)) return host
  throw cliError('CLI_USAGE', 'the address gives no name for a context', { hint: 'pass --name' })
}

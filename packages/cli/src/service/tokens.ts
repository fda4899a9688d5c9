import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectOptions } from '@sotto/client'
import { configDirectory } from '../config/index.ts'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import type { Target } from './target.ts'

/** Environment variable of the account's API key. `SOTTO_API_KEY` is another one: the secret of the local proxy. */
const ACCOUNT_KEY = 'SOTTO_ACCOUNT_KEY'

/** File of the account's API key in the configuration directory: never a setting, so that no `config view` shows it. */
export const ACCOUNT_KEY_FILE = 'account.key'

/** Tokens a command keeps ready: most commands send one request and end. */
const POOL_SIZE = 4

/**
 * Whose access tokens to use for a service; nothing where no issuer is configured, nor for the local stack, which
 * takes none. @throws `CLI_CONFIG` an issuer without its key or without an account
 */
export async function resolveTokens(
  context: CommandContext,
  target: Pick<Target, 'isLocalStack'>,
): Promise<Pick<ConnectOptions, 'tokens'>> {
  const config = await context.config()
  const url = config.get('issuer')?.value
  if (url === undefined || target.isLocalStack) return {}
  const key = config.get('issuer-key')?.value
  if (key === undefined)
    throw cliError('CLI_CONFIG', 'a token issuer is configured, but not its key', {
      hint: 'set SOTTO_ISSUER_KEY; get it from somebody you trust, not from the issuer',
    })
  const className = config.get('token-class')?.value
  return {
    tokens: {
      issuer: { url, key },
      apiKey: await readAccountKey(context),
      poolSize: POOL_SIZE,
      ...(className !== undefined && { class: className }),
    },
  }
}

async function readAccountKey(context: CommandContext): Promise<string> {
  const fromEnvironment = context.io.env[ACCOUNT_KEY]
  if (fromEnvironment) return fromEnvironment
  const file = join(configDirectory(context.io), ACCOUNT_KEY_FILE)
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw cliError('CLI_CONFIG', 'a token issuer is configured, but no account', {
      cause,
      hint: `set ${ACCOUNT_KEY}, or write the API key to ${file}`,
    })
  }
}

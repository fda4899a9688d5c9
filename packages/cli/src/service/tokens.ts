import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ConnectOptions, TokenShelf } from '@sotto/client'
import { fileTokenShelf } from '@sotto/client/node'
import { SottoError } from '@sotto/protocol/errors'
import {
  configDirectory,
  contextFiles,
  currentContext,
  PROJECT_FILE,
  type Setting,
  stateDirectory,
} from '../config/index.ts'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { settingFor, type Target } from './target.ts'

/** Environment variable of the account's API key. `SOTTO_API_KEY` is another one: the secret of the local proxy. */
const ACCOUNT_KEY = 'SOTTO_ACCOUNT_KEY'

/** File of the account's API key in the configuration directory: never a setting, so that no `config view` shows it. */
const ACCOUNT_KEY_FILE = 'account.key'

/** Tokens kept ready, on a shelf that all commands of this user share: one command in so many buys. */
const POOL_SIZE = 16

/**
 * Whose access tokens to use for a service; nothing where no issuer is configured for it, nor for the local stack, which
 * takes none. The account of a context buys for the host of that context alone. A command that ends soon buys only when
 * the shelf is empty: it would end in the middle of a purchase made ahead. @throws `CLI_CONFIG` an issuer without its key or without an account
 */
export async function resolveTokens(
  context: CommandContext,
  target: Pick<Target, 'host' | 'isLocalStack'>,
  { isLongLived }: { isLongLived: boolean },
): Promise<Pick<ConnectOptions, 'tokens'>> {
  const config = await context.config()
  const issuer = settingFor(target.host, config, 'issuer')
  if (issuer === undefined || target.isLocalStack) return {}
  const key = settingFor(target.host, config, 'issuer-key')?.value
  if (key === undefined)
    throw cliError('CLI_CONFIG', 'a token issuer is configured, but not its key', {
      hint: 'set SOTTO_ISSUER_KEY; get it from somebody you trust, not from the issuer',
    })
  const className = settingFor(target.host, config, 'token-class')?.value
  const apiKey = await readAccountKey(context, issuer)
  return {
    tokens: {
      issuer: { url: issuer.value, key },
      apiKey,
      poolSize: POOL_SIZE,
      shelf: openShelf(context, [key, className ?? 'standard', apiKey]),
      buysAhead: isLongLived,
      ...(className !== undefined && { class: className }),
    },
  }
}

/** The shelf of one issuer, class and account: tokens of one account are not to be spent for another. */
function openShelf(context: CommandContext, of: readonly string[]): TokenShelf {
  // An API key has 256 random bits: its hash tells nobody anything.
  const name = createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 16)
  const file = join(stateDirectory(context.io), `tokens-${name}.json`)
  const shelf = fileTokenShelf(file, {
    onDamaged: (path) =>
      context.warn(`the kept access tokens were damaged; none of them is used, and they were put to ${path}`),
  })
  return {
    async update(change) {
      try {
        await shelf.update(change)
      } catch (cause) {
        if (cause instanceof SottoError) throw cause
        const { code } = cause as NodeJS.ErrnoException
        throw cliError('CLI_FILE', 'access tokens cannot be kept, so none is used and none is bought', {
          cause,
          ...(code !== undefined && { found: code }),
          hint: `make ${file} writable, or make room for it`,
        })
      }
    },
  }
}

/** The key of a context is for the issuer of that context, whatever else names one. */
async function accountKeyFile(context: CommandContext, issuer: Setting): Promise<string> {
  const current = await currentContext(context.io)
  const files = current && contextFiles(context.io, current.name)
  return files !== undefined && issuer.origin === files.settings
    ? files.accountKey
    : join(configDirectory(context.io), ACCOUNT_KEY_FILE)
}

/** A folder that somebody else wrote must not have the user's key sent to an issuer of its choice. */
function requireOwnWord({ origin }: Setting, context: CommandContext): void {
  if (origin !== resolve(context.io.cwd, PROJECT_FILE)) return
  throw cliError('CLI_CONFIG', `${PROJECT_FILE} names a token issuer, and no account is sent on its word`, {
    hint: `set ${ACCOUNT_KEY} for it, or SOTTO_ISSUER to say yourself who gets ${ACCOUNT_KEY_FILE}`,
  })
}

async function readAccountKey(context: CommandContext, issuer: Setting): Promise<string> {
  const fromEnvironment = context.io.env[ACCOUNT_KEY]
  if (fromEnvironment) return fromEnvironment
  requireOwnWord(issuer, context)
  const file = await accountKeyFile(context, issuer)
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw cliError('CLI_CONFIG', 'a token issuer is configured, but no account', {
      cause,
      hint: `set ${ACCOUNT_KEY}, or write the API key to ${file}`,
    })
  }
}

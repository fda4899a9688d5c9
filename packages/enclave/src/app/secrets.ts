import { join } from 'node:path'
import { isReservedVariable } from '@sotto/protocol/app-variables'
import { concat, fromUtf8 } from '@sotto/protocol/bytes'
import { parseStrictJson } from '@sotto/serve/config'
import type { AppConfig } from './config.ts'
import { readContent } from './content.ts'
import { appError } from './errors.ts'

/** Characters of one of them; a certificate with its key fits. */
const MAX_VALUE_LENGTH = 32_768
/** Bytes of all of them, as they are sealed: half of what Linux takes for words and environment of a program. */
const MAX_BYTES = 2 ** 20

/**
 * Opens the secrets of an app: environment variables, in memory only.
 * @throws `APP_SECRETS_UNREADABLE`, `APP_SECRETS_MALFORMED`, `APP_SECRETS_OTHER`, `SEALED_MALFORMED`, `SEALED_KEY`,
 * `SEALED_TAMPERED`
 */
export async function openSecrets(
  config: Pick<AppConfig, 'name' | 'directory' | 'secrets'>,
  contentKeys: ReadonlyMap<string, Uint8Array>,
): Promise<Record<string, string>> {
  const { secrets, directory } = config
  if (secrets === undefined) return {}
  const { artifact } = secrets
  const file = {
    path: join(directory, secrets.file),
    sealed: { artifact, contentKey: contentKeys.get(artifact)! },
  }
  const unreadable = (found: string, cause?: unknown): Error =>
    appError('APP_SECRETS_UNREADABLE', 'the secrets of the app cannot be read', {
      expected: `a sealed file of at most ${MAX_BYTES} bytes`,
      found,
      cause,
    })
  const pieces: Uint8Array[] = []
  for await (const piece of readContent(file, MAX_BYTES, unreadable)) pieces.push(piece)
  const bytes = concat(...pieces)
  try {
    return parseSecrets(bytes, { name: config.name, names: secrets.names })
  } finally {
    for (const piece of [...pieces, bytes]) piece.fill(0)
  }
}

/**
 * Reads `{"deployment": name, "values": {NAME: text}}`. No error quotes anything of it, the names included.
 *
 * What it sets was not measured, and some variables are code to whoever reads them. So it sets exactly those that the
 * measured configuration names, and none by which a program is told what to load.
 * @param bytes from whoever sealed them: the holder of the content key
 * @param names of `AppConfig.secrets`
 * @throws `APP_SECRETS_MALFORMED`, `APP_SECRETS_OTHER`
 */
export function parseSecrets(
  bytes: Uint8Array,
  { name, names }: { readonly name: string; readonly names: readonly string[] },
): Record<string, string> {
  const { deployment, values, ...rest } = parseObject(bytes)
  if (Object.keys(rest).length > 0) throw malformed('nothing beside deployment and values')
  if (typeof deployment !== 'string') throw malformed('deployment to be a name')
  if (deployment !== name)
    throw appError('APP_SECRETS_OTHER', 'these secrets are for another deployment', {
      expected: name,
      found: 'another name',
      hint: 'seal the secrets for this deployment',
    })
  if (!isPlainObject(values)) throw malformed('values to be an object')
  const entries = Object.entries(values)
  if (entries.length !== names.length || !entries.every(([variable]) => names.includes(variable)))
    throw malformed('exactly the variables that the configuration names')
  for (const [variable, value] of entries) {
    if (isReservedVariable(variable)) throw malformed('no variable of the enclave or of a loader')
    if (typeof value !== 'string' || value.length > MAX_VALUE_LENGTH || !isText(value))
      throw malformed(`values of at most ${MAX_VALUE_LENGTH} characters of text`)
  }
  return Object.fromEntries(entries) as Record<string, string>
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = parseStrictJson(fromUtf8(bytes))
  } catch {
    // No cause: the words of a parser quote what it read.
    throw malformed('strict JSON, every key once')
  }
  if (!isPlainObject(value)) throw malformed('an object')
  return value
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What an environment can hold. */
function isText(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed()
}

function malformed(expected: string): Error {
  return appError('APP_SECRETS_MALFORMED', 'the secrets of the app are malformed', { expected })
}

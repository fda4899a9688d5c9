import { resolve, sep } from 'node:path'
import {
  APP_VARIABLE,
  appWordsBytes,
  isReservedVariable,
  MAX_APP_WORDS_BYTES,
} from '@sotto/protocol/app-variables'
import {
  boolean,
  type Decoder,
  integer,
  jcsError,
  members as object,
  partial,
  text,
} from '@sotto/protocol/jcs'
import type { AppSection, SecretSource } from './types.ts'
import { command, GIB, MIB, size, table, word } from './values.ts'

const DEFAULT_PORT = 8080
const MAX_PATH = 1024
const MAX_VALUE = 32_768

/** As the enclave takes it: a second slash at its start would make a host of it. */
const URL_PATH = /^\/(?:[A-Za-z0-9._~-][A-Za-z0-9._~/-]{0,126})?$/

function requireFree(names: readonly string[], path: string): void {
  const reserved = names.find(isReservedVariable)
  if (reserved !== undefined)
    throw jcsError('JCS_FIELD', `${path}.${reserved}: this variable is the enclave's to set, or nobody's`)
}

const variables: Decoder<Record<string, string>> = (value, path) => {
  const decoded = table(APP_VARIABLE, word(MAX_VALUE, 0))(value, path)
  requireFree(Object.keys(decoded), path)
  return decoded
}

const secretSource: Decoder<SecretSource> = (value, path) => {
  const { env, file } = partial<{ env?: string; file?: string }>({
    env: text(64, /^[A-Za-z_][A-Za-z0-9_]*$/),
    file: word(MAX_PATH),
  })(value, path)
  if ((env === undefined) === (file === undefined))
    throw jcsError('JCS_FIELD', `${path}: expected where its value is read: env or file`)
  return env === undefined ? { file: file! } : { env }
}

/** Where secrets are read. A file below the code would be packed with it, and the code is no secret. */
function resolveSecrets(
  given: Readonly<Record<string, SecretSource>>,
  folder: string,
  code: string,
  path: string,
): Record<string, SecretSource> {
  const below = code.endsWith(sep) ? code : code + sep
  return Object.fromEntries(
    Object.entries(given).map(([name, source]) => {
      if (!('file' in source)) return [name, source]
      const file = resolve(folder, source.file)
      if (file.startsWith(below))
        throw jcsError(
          'JCS_FIELD',
          `${path}.${name}.file: it lies in the folder of the code, and would be packed with it`,
          'a file beside that folder',
        )
      return [name, { file }]
    }),
  )
}

const health = (value: unknown, path: string): AppSection['health'] => ({
  path: '/health',
  startSeconds: 60,
  ...partial<Partial<AppSection['health']>>({
    path: text(128, URL_PATH),
    startSeconds: integer(1, 900),
  })(value, path),
})

/** Decodes the section `app`. Relative paths in it are relative to `folder`. @throws `JCS_FIELD` with the path of the member */
export function appFields(folder: string): Decoder<AppSection> {
  return (value, path) => {
    const given = object<
      Pick<AppSection, 'code' | 'command'> & Partial<Omit<AppSection, 'code' | 'command'>>
    >(
      { code: word(MAX_PATH), command },
      {
        sealed: boolean(),
        port: integer(1024, 65_535),
        health,
        env: variables,
        secrets: table(APP_VARIABLE, secretSource),
        memory: size(64 * MIB, 256 * GIB),
      },
    )(value, path)
    const { env = {} } = given
    if (appWordsBytes(given.command, env) > MAX_APP_WORDS_BYTES)
      throw jcsError('JCS_FIELD', `${path}: command and env have more than ${MAX_APP_WORDS_BYTES} bytes`)
    const code = resolve(folder, given.code)
    const secrets = resolveSecrets(given.secrets ?? {}, folder, code, `${path}.secrets`)
    requireFree(Object.keys(secrets), `${path}.secrets`)
    const twice = Object.keys(secrets).find((name) => Object.hasOwn(env, name))
    if (twice !== undefined)
      throw jcsError('JCS_FIELD', `${path}.secrets.${twice}: this variable is set in env already`)
    return {
      sealed: false,
      port: DEFAULT_PORT,
      health: health({}, path),
      memory: GIB,
      ...given,
      env,
      code,
      secrets,
    }
  }
}

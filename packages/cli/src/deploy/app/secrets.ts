import { stat } from 'node:fs/promises'
import { utf8 } from '@sotto/protocol/bytes'
import { cliError } from '../../errors.ts'
import { readPrivateFile } from '../../input/index.ts'
import type { SecretSource } from '../file/index.ts'

const MAX_VALUE_BYTES = 32_768
/** All of them as they are sealed: what an enclave takes. */
const MAX_BYTES = 2 ** 20

/** What bytes that are no UTF-8 are read as. */
const REPLACEMENT = '\uFFFD'

/**
 * The secrets of one deployment, as the enclave opens them: its name is inside, so that those of another are refused. No error
 * quotes a value.
 * @param env where values are read whose source is a variable
 * @throws `DEPLOY_APP` (fix-input) for a value that is missing, empty, no text or too long, or too much in all; `CLI_FILE` for a
 * file that cannot be read, or that others may read
 */
export async function readSecrets(
  deployment: string,
  sources: Readonly<Record<string, SecretSource>>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Uint8Array> {
  const values: [string, string][] = []
  for (const [name, source] of Object.entries(sources).sort(([a], [b]) => (a < b ? -1 : 1)))
    values.push([name, await valueOf(name, source, env)])
  const bytes = utf8(JSON.stringify({ deployment, values: Object.fromEntries(values) }))
  if (bytes.length > MAX_BYTES)
    throw cliError('DEPLOY_APP', 'the secrets are more than an enclave takes', {
      expected: `at most ${MAX_BYTES / 2 ** 20} MiB in all`,
      found: `${bytes.length} bytes`,
    })
  return bytes
}

async function valueOf(
  name: string,
  source: SecretSource,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const refuse = (why: string, hint: string): Error =>
    cliError('DEPLOY_APP', `the secret ${name} ${why}`, { hint })
  if ('env' in source) {
    const value = Object.hasOwn(env, source.env) ? env[source.env] : undefined
    if (value === undefined || value === '') throw refuse('is not set', `set the variable ${source.env}`)
    return bounded(value)
  }
  await stat(source.file).catch(() => {
    throw refuse('has no file', `write it to ${source.file}, mode 0600`)
  })
  const text = await readPrivateFile(source.file, {
    // With the line break behind it.
    maxBytes: MAX_VALUE_BYTES + 2,
    hint: `${name} is at most ${MAX_VALUE_BYTES} bytes`,
  })
  // An editor ends a file with a line break; a secret ends before it.
  return bounded(text.replace(/\r?\n$/, ''))

  function bounded(value: string): string {
    if (value === '') throw refuse('is empty', 'write its value')
    if (value.includes('\0') || value.includes(REPLACEMENT) || !value.isWellFormed())
      throw refuse('cannot be a variable', 'its value is text in UTF-8; encode bytes as base64')
    if (utf8(value).length > MAX_VALUE_BYTES)
      throw refuse('is too long for a variable', `at most ${MAX_VALUE_BYTES} bytes`)
    return value
  }
}

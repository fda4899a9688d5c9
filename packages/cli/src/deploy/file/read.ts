import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import { cliError } from '../../errors.ts'
import { deploymentFields } from './fields.ts'
import type { DeploymentFile } from './types.ts'
import { NotPlainYaml, parsePlainYaml } from './yaml.ts'

/** Name of the file in the folder of a deployment. */
export const DEPLOYMENT_FILE = 'sotto.yaml'

/** A file that says what runs is a page; a larger one is not ours. */
const MAX_BYTES = 64 * 1024

/**
 * Where the `sotto.yaml` of a folder is, or the file itself. Whether there is one is not looked at.
 * @param place folder or file
 */
export async function deploymentPath(place: string): Promise<string> {
  const isFolder = await stat(place).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
  return resolve(isFolder ? join(place, DEPLOYMENT_FILE) : place)
}

/**
 * Reads the `sotto.yaml` of a folder, or the file itself.
 * @throws `DEPLOY_FILE` (fix-input) with the line or member that is wrong
 */
export async function readDeploymentFile(place: string): Promise<DeploymentFile> {
  const path = await deploymentPath(place)
  // Not more than one byte over what is allowed, even of a pipe.
  const bytes = await buffer(createReadStream(path, { end: MAX_BYTES })).catch((cause: unknown) => {
    throw cliError('DEPLOY_FILE', `cannot read ${path}`, {
      cause,
      hint: 'sotto init writes one, or name it with --file',
    })
  })
  if (bytes.length > MAX_BYTES) throw tooLarge(path)
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch (cause) {
    throw malformed(path, 'it is no UTF-8 text', { cause })
  }
  return parseDeploymentFile(text, path)
}

/**
 * Parses the text of a `sotto.yaml`; `path` is where relative paths in it start. Errors name members and lines and quote no
 * value: what stands in the wrong place may be a secret.
 * @throws `DEPLOY_FILE`
 */
export function parseDeploymentFile(text: string, path: string): DeploymentFile {
  if (Buffer.byteLength(text) > MAX_BYTES) throw tooLarge(path)
  try {
    // An empty file lacks what every file has to have, and is told so.
    return { path, ...deploymentFields(dirname(path))(parsePlainYaml(text) ?? {}, '') }
  } catch (error) {
    if (error instanceof NotPlainYaml) throw malformed(path, error.message, { expected: 'plain YAML' })
    if (!(error instanceof SottoError) || !hasCode(error, 'JCS_FIELD')) throw error
    const { expected, found } = error
    throw malformed(path, error.message.replace(/^\./, '').replace(/^(?=[: ])/, 'the file'), {
      cause: error,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

function tooLarge(path: string): Error {
  return malformed(path, 'it is too large', { expected: `at most ${MAX_BYTES / 1024} KiB` })
}

function malformed(
  path: string,
  message: string,
  more: { expected?: string; found?: string; cause?: unknown },
): Error {
  return cliError('DEPLOY_FILE', `${path}: ${message}`, {
    hint: 'docs/deploy.md lists every member',
    ...more,
  })
}

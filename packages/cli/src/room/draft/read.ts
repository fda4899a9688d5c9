import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { hasCode, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'
import { NotPlainYaml, parsePlainYaml } from '../../deploy/file/yaml.ts'
import { cliError } from '../../errors.ts'
import { draftFields } from './fields.ts'
import type { Draft } from './types.ts'

/** As long as a contract gets. */
const MAX_BYTES = 256 * 1024

/** Reads a draft. @throws `ROOM_DRAFT` (fix-input) with the line or member that is wrong */
export async function readDraft(place: string): Promise<Draft> {
  const path = resolve(place)
  const text = await readDraftText(path, path, MAX_BYTES)
  return parseDraft(text, path)
}

/**
 * Parses the text of a draft; `path` is where relative paths in it start. Errors name members and lines, and quote no
 * value: what stands in the wrong place may be a secret.
 * @throws `ROOM_DRAFT`
 */
export function parseDraft(text: string, path: string): Draft {
  if (Buffer.byteLength(text) > MAX_BYTES) throw tooLarge(path, MAX_BYTES)
  try {
    return { path, ...draftFields(parsePlainYaml(text) ?? {}, '') }
  } catch (error) {
    if (error instanceof NotPlainYaml) throw draftError(path, error.message, { expected: 'plain YAML' })
    if (!(error instanceof SottoError) || !hasCode(error, 'JCS_FIELD')) throw error
    const { expected, found } = error
    throw draftError(path, error.message.replace(/^\./, '').replace(/^(?=[: ])/, 'the file'), {
      cause: error,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

/** Text of the draft or of a file that it names. @param draft for the error @throws `ROOM_DRAFT` */
export async function readDraftText(path: string, draft: string, maxBytes: number): Promise<string> {
  // Not more than one byte over what is allowed, even of a pipe.
  const bytes = await buffer(createReadStream(path, { end: maxBytes })).catch((cause: unknown) => {
    throw draftError(draft, `cannot read ${path}`, { cause, hint: 'check the path' })
  })
  if (bytes.length > maxBytes) throw tooLarge(path, maxBytes)
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw draftError(path, 'it is no UTF-8 text', { cause })
  }
}

/** A `ROOM_DRAFT` about the file at this path. */
export function draftError(path: string, message: string, more: SottoErrorOptions = {}): Error {
  return cliError('ROOM_DRAFT', `${path}: ${message}`, {
    hint: 'sotto help rooms shows a draft; sotto room draft check tells what is wrong with one',
    ...more,
  })
}

function tooLarge(path: string, maxBytes: number): Error {
  return draftError(path, 'it is too large', { expected: `at most ${maxBytes / 1024} KiB` })
}

import { toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { SottoError } from '../errors/index.ts'
import {
  areDistinct,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  parseStrictJson,
  refine,
  text,
} from '../jcs/index.ts'
import {
  ADAPTED_ENGINES,
  MODEL_ENGINES,
  MODEL_FILE_ROLES,
  MODEL_TASKS,
  type ModelFileEntry,
  type ModelManifest,
} from './types.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `MODEL_MANIFEST` (fix-input): not a manifest, or its digest is not that of the files it lists.
 */
export type ModelManifestErrorCode = 'MODEL_MANIFEST'

/** Bytes of a manifest at most. */
export const MAX_MANIFEST_BYTES: number = 256 * 1024
/** Files of a model at most. */
export const MAX_MODEL_FILES = 64
/** What a model may be called. */
export const MODEL_ID: RegExp = /^[a-z0-9][a-z0-9._/-]{0,127}$/
/** What a file of a model may be called. Nothing in it can leave a folder. */
export const MODEL_FILE_NAME: RegExp = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/
const MAX_TEXT_LENGTH = 2000

/**
 * The digest of a model: SHA-256 over the text
 * `sotto-model/1 LF engine SP task LF`, where there is a base `base SP digest LF`, and, sorted by name,
 * `sha256 SP size SP role SP name LF` for each file. Names cannot hold a space or line feed, and no hash begins like the
 * line of a base, so no two models share a text. Independent of id, license and description.
 */
export function modelDigest(model: Pick<ModelManifest, 'engine' | 'task' | 'files' | 'base'>): string {
  const sorted = model.files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const lines = sorted.map((file) => `${file.sha256} ${file.size} ${file.role} ${file.name}\n`)
  const base = model.base === undefined ? '' : `base ${model.base}\n`
  const text = `sotto-model/1\n${model.engine} ${model.task}\n${base}${lines.join('')}`
  return toHex(publicCrypto.sha256(utf8(text)))
}

/** The manifest of these files, with its digest. */
export function createModelManifest(model: Omit<ModelManifest, 'format' | 'digest'>): ModelManifest {
  const { id, task, engine, files, ...about } = model
  return { format: 'sotto-model/1', id, task, engine, files, digest: modelDigest(model), ...about }
}

const file: Decoder<ModelFileEntry> = object({
  name: text(128, MODEL_FILE_NAME),
  sha256: hex(32),
  size: integer(0),
  role: oneOf(...MODEL_FILE_ROLES),
})

/** Text that may be empty. */
const about: Decoder<string> = (value, path) => (value === '' ? '' : text(MAX_TEXT_LENGTH)(value, path))

const membersDecoder: Decoder<ModelManifest> = members<ModelManifest>(
  {
    format: literal('sotto-model/1'),
    id: text(128, MODEL_ID),
    task: oneOf(...MODEL_TASKS),
    engine: oneOf(...MODEL_ENGINES),
    files: refine(list(file, 0, MAX_MODEL_FILES), (files) =>
      areDistinct(files.map(({ name }) => name)) ? undefined : 'it names a file twice',
    ),
    digest: hex(32),
  },
  { base: hex(32), license: about, description: about },
)

const manifestDecoder = refine(membersDecoder, findFalseBase)

/** What is wrong with the adapters of a manifest, and with what it says that it was made from. */
function findFalseBase({ engine, task, files, base }: ModelManifest): string | undefined {
  const others = files.filter(({ role }) => role !== 'adapter')
  if (others.length === files.length) return undefined
  if (!ADAPTED_ENGINES.includes(engine)) return 'its engine would leave its adapter out'
  if (base === undefined) return 'it has an adapter, and does not say of what'
  const found = modelDigest({ engine, task, files: others })
  return others.length === 0 || found === base ? undefined : 'its base is another model than it holds'
}

/**
 * Parses a manifest, which whoever supplies the model controls. Unknown members, repeated names and a digest that is
 * not that of the listed files are refused. The files themselves are checked by whoever reads them.
 *
 * @throws `MODEL_MANIFEST`
 */
export function parseModelManifest(json: string): ModelManifest {
  let manifest: ModelManifest
  try {
    manifest = manifestDecoder(parseStrictJson(json, { maxBytes: MAX_MANIFEST_BYTES }), 'manifest')
  } catch (cause) {
    const { code, message, expected, found } = cause as SottoError
    // A field is named; of what is no JSON there is nothing to name.
    if (code !== 'JCS_FIELD') throw malformed('manifest is not JSON', { cause, found: message })
    throw malformed('manifest is malformed', {
      cause,
      ...(expected !== undefined && { expected }),
      found: found === undefined ? message : `${message}: ${found}`,
    })
  }
  const digest = modelDigest(manifest)
  if (digest !== manifest.digest)
    throw malformed('manifest has not the digest of its files', { expected: manifest.digest, found: digest })
  return manifest
}

function malformed(
  message: string,
  options: { expected?: string; found?: string; cause?: unknown },
): SottoError<ModelManifestErrorCode> {
  return new SottoError<ModelManifestErrorCode>('MODEL_MANIFEST', 'fix-input', message, options)
}

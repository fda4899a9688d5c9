import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite } from '@sotto/protocol/hpke'
import {
  artifactImportInfo,
  encodeDocument,
  PAYLOAD_TYPES,
  type ArtifactKeyImport,
} from '@sotto/protocol/keyrelease'
import { hasCode } from '@sotto/protocol/errors'
import { sealArtifact } from '@sotto/protocol/sealed'
import type { TrustedService } from '@sotto/verifier'
import type { Signer } from './state.ts'
import { type Manifest, parseManifest } from '../models/manifest.ts'
import { cliError } from '../errors.ts'

const FOLDER_HINT =
  'name a folder of models, such as the one of sotto models pull, or the folder of one model'

/** A sealed file on the untrusted disk, and the key that opens it, still with its owner. */
export interface SealedContent {
  /** Artifact id. */
  id: string
  file: string
  contentKey: Uint8Array
}

/** A sealed model. */
export interface SealedModel extends SealedContent {
  /** Model name, from its manifest. */
  name: string
  bytes: number
}

/**
 * Seals models into `target`. A sealed model holds its manifest as metadata and its files one after the other, in the
 * manifest's order: `enclave/models` reads exactly that.
 *
 * @throws `MODEL_INVALID` (fix-input) when manifest and files disagree
 */
export async function sealModels(models: readonly FoundModel[], target: string): Promise<SealedModel[]> {
  const sealed: SealedModel[] = []
  for (const model of models) sealed.push(await sealModel(model, target))
  return sealed
}

/**
 * What a stack serves: of the models that come with it those that are named, all where none are, and every one of the
 * other folders.
 * @throws `MODEL_INVALID` (fix-input) for a name that none has; and see {@link findModels}
 */
export async function chooseModels(
  shipped: string,
  names: readonly string[] | undefined,
  folders: readonly string[],
): Promise<FoundModel[]> {
  const found = await findModels([shipped, ...folders])
  if (names === undefined) return found
  const isShipped = ({ folder }: FoundModel): boolean => dirname(folder) === shipped
  const ours = found.filter(isShipped).map(({ manifest }) => manifest.id)
  const unknown = names.find((name) => !ours.includes(name))
  if (unknown !== undefined)
    throw cliError('MODEL_INVALID', `no model that comes with Sotto is named ${unknown}`, {
      expected: ours.join(', '),
      hint: 'name one of these, or a folder, which begins with ./ or /',
    })
  return found.filter((model) => !isShipped(model) || names.includes(model.manifest.id))
}

/**
 * The models of these folders, each a folder of models or of one model. Their files are not looked at.
 *
 * @throws `MODEL_INVALID` (fix-input) when a folder has none, a manifest is malformed, or two models have one name
 */
export async function findModels(sources: readonly string[]): Promise<FoundModel[]> {
  const models = new Map<string, FoundModel>()
  for (const found of (await Promise.all(sources.map(modelsOf))).flat()) {
    const { id } = found.manifest
    const other = models.get(id)?.folder
    if (other !== undefined && other !== found.folder)
      throw cliError('MODEL_INVALID', `two models are named ${id}`, {
        found: `${other}, ${found.folder}`,
        hint: 'move one away, or pull it under another name (sotto models pull --name)',
      })
    models.set(id, found)
  }
  return [...models.values()]
}

/** A model on this disk, in clear. */
export interface FoundModel {
  folder: string
  /** What `manifest.json` says; its text goes into the sealed model as it is. */
  manifest: Manifest
  text: string
}

async function modelsOf(source: string): Promise<FoundModel[]> {
  const itself = await modelIn(source)
  if (itself !== undefined) return [itself]
  const entries = await readdir(source, { withFileTypes: true }).catch((cause: unknown) => {
    throw cliError('MODEL_INVALID', `cannot read the models in ${source}`, { cause, hint: FOLDER_HINT })
  })
  const models: FoundModel[] = []
  for (const { name } of entries
    .filter((entry) => entry.isDirectory())
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const model = await modelIn(join(source, name))
    if (model !== undefined) models.push(model)
  }
  if (models.length === 0)
    throw cliError('MODEL_INVALID', `there is no model in ${source}`, {
      expected: 'a folder with a manifest.json, or a folder of such folders',
      hint: FOLDER_HINT,
    })
  return models
}

/** The model of a folder; undefined when it has no manifest. */
async function modelIn(folder: string): Promise<FoundModel | undefined> {
  const file = join(folder, 'manifest.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw cliError('MODEL_INVALID', `cannot read ${file}`, { cause })
  }
  try {
    return { folder, manifest: parseManifest(text), text }
  } catch (cause) {
    if (!hasCode(cause, 'CLI_MODEL')) throw cause
    throw cliError('MODEL_INVALID', `${file}: ${cause.message}`, {
      ...(cause.expected !== undefined && { expected: cause.expected }),
      ...(cause.found !== undefined && { found: cause.found }),
      hint: 'pull the model again, or write its manifest anew',
      cause,
    })
  }
}

async function sealModel({ folder, manifest, text }: FoundModel, target: string): Promise<SealedModel> {
  const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
  const contentKey = crypto.randomBytes(32)
  const { id, sealed } = sealArtifact({
    contentKey,
    plaintextBytes: bytes,
    source: readAll(folder, manifest),
    metadata: text,
  })
  const file = `${id}.sealed`
  await pipeline(sealed, createWriteStream(join(target, file), { mode: 0o600 }))
  return { id, name: manifest.id, file, contentKey, bytes }
}

/** The files one after the other, each compared with its manifest entry as it goes by. */
async function* readAll(folder: string, manifest: Manifest): AsyncGenerator<Uint8Array> {
  for (const { name, size, sha256 } of manifest.files) {
    const hash = createHash('sha256')
    let read = 0
    for await (const chunk of bytesOf(manifest, join(folder, name))) {
      hash.update(chunk)
      read += chunk.length
      yield chunk
    }
    const found = hash.digest('hex')
    if (read === size && found === sha256) continue
    throw cliError('MODEL_INVALID', `${manifest.id}: ${name} is not the file of its manifest`, {
      expected: `${size} bytes, ${sha256}`,
      found: `${read} bytes, ${found}`,
    })
  }
}

async function* bytesOf({ id }: Manifest, file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>
  } catch (cause) {
    throw cliError('MODEL_INVALID', `${id}: cannot read ${file}`, { cause, hint: FOLDER_HINT })
  }
}

const SUITE = new HpkeSuite(HPKE_KEM.X_WING, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_256_GCM)

/** An owner's import of one content key, wrapped to the import key of a verified KMS and signed. */
export function signKeyImport(content: SealedContent, service: TrustedService, owner: Signer): Uint8Array {
  const binding = {
    genesis: service.genesis,
    artifact: content.id,
    policy: service.keyPolicyDigest,
    owner: toBase64Url(owner.publicKey),
  }
  const recipient = SUITE.kem.importPublic(fromBase64Url(service.importKey))
  const { enc, context } = SUITE.setupSender(recipient, { info: artifactImportInfo(binding) })
  const document: ArtifactKeyImport = {
    version: 1,
    ...binding,
    createdAt: Math.floor(Date.now() / 1000),
    enc: toBase64Url(enc),
    wrapped: toBase64Url(context.seal(utf8(''), content.contentKey)),
  }
  return signDsse(PAYLOAD_TYPES.artifactKeyImport, encodeDocument(document), [
    { secretSeed: owner.seed, publicKey: owner.publicKey },
  ])
}

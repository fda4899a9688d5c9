import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
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
import { sealArtifact } from '@sotto/protocol/sealed'
import type { TrustedService } from '@sotto/verifier'
import type { Signer } from './state.ts'
import { cliError } from '../errors.ts'

/** A sealed model on the untrusted disk, and the key that opens it, still with its owner. */
export interface SealedModel {
  id: string
  /** Model name, from its manifest. */
  name: string
  file: string
  contentKey: Uint8Array
  bytes: number
}

interface Manifest {
  id: string
  files: { name: string; size: number; sha256: string }[]
}

/**
 * Seals every model of these folders into `target`. A sealed model holds its manifest as metadata and its
 * files one after the other, in the manifest's order: `enclave/models` reads exactly that.
 *
 * @throws `MODEL_INVALID` (fix-input) when manifest and files disagree, two models have one name, or a folder is none
 */
export async function sealModels(sources: readonly string[], target: string): Promise<SealedModel[]> {
  const found: { folder: string; manifest: string }[] = []
  for (const source of sources) found.push(...(await modelsOf(source)))
  const folders = new Map<string, string>()
  for (const { folder, manifest } of found) {
    const { id } = parseManifest(folder, manifest)
    const other = folders.get(id)
    if (other !== undefined)
      throw cliError('MODEL_INVALID', `two models are named ${id}`, {
        found: `${other}, ${folder}`,
        hint: 'move one away, or pull it under another name (sotto models pull --name)',
      })
    folders.set(id, folder)
  }
  const sealed: SealedModel[] = []
  for (const { folder, manifest } of found) sealed.push(await sealModel(folder, manifest, target))
  return sealed
}

async function modelsOf(source: string): Promise<{ folder: string; manifest: string }[]> {
  const entries = await readdir(source, { withFileTypes: true }).catch((cause: unknown) => {
    throw cliError('MODEL_INVALID', `cannot read the models in ${source}`, {
      cause,
      hint: 'name a folder of models, such as the one of sotto models pull',
    })
  })
  const models: { folder: string; manifest: string }[] = []
  for (const { name } of entries
    .filter((entry) => entry.isDirectory())
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const folder = join(source, name)
    const manifest = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined)
    if (manifest !== undefined) models.push({ folder, manifest })
  }
  return models
}

function parseManifest(folder: string, text: string): Manifest {
  try {
    return JSON.parse(text) as Manifest
  } catch (cause) {
    throw cliError('MODEL_INVALID', `${folder} has a damaged manifest.json`, { cause })
  }
}

async function sealModel(folder: string, manifestText: string, target: string): Promise<SealedModel> {
  const manifest = parseManifest(folder, manifestText)
  const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
  const contentKey = crypto.randomBytes(32)
  const { id, sealed } = sealArtifact({
    contentKey,
    plaintextBytes: bytes,
    source: readAll(folder, manifest),
    metadata: manifestText,
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
    for await (const chunk of createReadStream(join(folder, name), {
      highWaterMark: 262_144,
    }) as AsyncIterable<Buffer>) {
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

const SUITE = new HpkeSuite(HPKE_KEM.X_WING, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_256_GCM)

/** An owner's import of one content key, wrapped to the import key of a verified KMS and signed. */
export function signKeyImport(model: SealedModel, service: TrustedService, owner: Signer): Uint8Array {
  const binding = {
    genesis: service.genesis,
    artifact: model.id,
    policy: service.keyPolicyDigest,
    owner: toBase64Url(owner.publicKey),
  }
  const recipient = SUITE.kem.importPublic(fromBase64Url(service.importKey))
  const { enc, context } = SUITE.setupSender(recipient, { info: artifactImportInfo(binding) })
  const document: ArtifactKeyImport = {
    version: 1,
    ...binding,
    enc: toBase64Url(enc),
    wrapped: toBase64Url(context.seal(utf8(''), model.contentKey)),
  }
  return signDsse(PAYLOAD_TYPES.artifactKeyImport, encodeDocument(document), [
    { secretSeed: owner.seed, publicKey: owner.publicKey },
  ])
}

import { openArtifact } from '@sotto/protocol/sealed'
import type { ModelStatement } from '@sotto/protocol/sealed-models'
import {
  type EngineHost,
  type EngineProcess,
  type ModelManifest,
  parseModelManifest,
} from '../../engines/index.ts'
import { ownedModelError } from './errors.ts'
import { memoryOf } from './memory.ts'
import { readAhead } from '../../sealed/read-ahead.ts'
import { readHashed } from '../../sealed/read-hashed.ts'
import type { ModelRegistry } from './registry.ts'
import { splitFiles } from './split-files.ts'

/** What loading takes. */
export interface LoadTools {
  registry: Pick<ModelRegistry, 'read'>
  host: Pick<EngineHost, 'start'>
  /** The content key of an artifact, as the KMS releases it; overwritten after use. */
  contentKey(statement: ModelStatement): Promise<Uint8Array>
  /** Told how much memory the model takes, before it takes any. @throws what keeps it from that */
  claim(bytes: number): Promise<void>
}

/**
 * Loads what an owner's statement names. The file is read while its key is asked for, decrypted as it arrives into files
 * in memory, and the engine's process starts meanwhile; it is told to load when the whole file has proven to be the one
 * the owner signed. Nothing of it is written anywhere else.
 * @throws `OWNED_MODEL_REFUSED`, `OWNED_MODEL_UNREACHABLE`, those of `claim`, of the sealed format and of `EngineHost.start`
 */
export async function loadOwnedModel(statement: ModelStatement, tools: LoadTools): Promise<EngineProcess> {
  const { artifact, digest, bytes } = statement
  const remote = readAhead({
    bytes,
    fetchRange: (start, length, signal) => tools.registry.read(digest, start, length, signal),
  })
  const hashed = readHashed(remote.read, bytes)
  try {
    const key = await tools.contentKey(statement)
    const { metadata, header, content } = await openArtifact(hashed.read, key, artifact)
    key.fill(0)
    const manifest = parseModelManifest(metadata)
    requireStated(manifest, statement, header.plaintextBytes)
    await tools.claim(memoryOf(manifest))
    return await tools.host.start({
      manifest,
      files: splitFiles(manifest, content, async () => requireSigned(digest, await hashed.digest())),
    })
  } finally {
    remote.close()
  }
}

/** @throws `OWNED_MODEL_REFUSED` */
function requireSigned(expected: string, found: string): void {
  if (found === expected) return
  throw ownedModelError('OWNED_MODEL_REFUSED', 'the sealed file is not the one that its owner signed', {
    expected,
    found,
  })
}

/** The model inside is the one that receipts will name, and that the statement announced. @throws `OWNED_MODEL_REFUSED` */
function requireStated(
  { digest, task, files }: ModelManifest,
  statement: ModelStatement,
  plaintextBytes: number,
): void {
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const defect =
    digest !== statement.model
      ? 'another model is inside'
      : task !== statement.task
        ? 'the model inside is for another task'
        : total !== plaintextBytes || files.length === 0
          ? 'manifest and content disagree'
          : undefined
  if (defect === undefined) return
  throw ownedModelError('OWNED_MODEL_REFUSED', `the sealed file is not what its owner signed: ${defect}`, {
    expected: statement.model,
    found: digest,
  })
}

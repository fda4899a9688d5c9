import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { writeWhole } from '@sotto/client/node'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { sealArtifact } from '@sotto/protocol/sealed'
import type { AppRole } from '../roles/index.ts'
import type { SealedContent } from './models.ts'

/** An app to run beside the models: its code in clear, as its owner has it. */
export interface StackApp {
  name: string
  /** Deterministic archive of its code, and its SHA-256. */
  code: { tar: Uint8Array; sha256: string; sealed: boolean }
  command: readonly string[]
  env: Readonly<Record<string, string>>
  port: number
  healthcheck: { path: string; startSeconds: number }
  /** `{deployment, values}` as JSON; absent: it has none. */
  secrets: Uint8Array | undefined
  memoryBytes: number
}

/** What an app became: its part of the enclave's configuration, and what its owner has to give the KMS. */
export interface PlacedApp {
  role: AppRole
  sealed: SealedContent[]
}

/** How one content is sealed: no other content may be sealed alike. */
export interface Sealing {
  contentKey: Uint8Array
  /** Artifact id, hexadecimal. Default: random. */
  id?: string
  /** Default: random. */
  salt?: Uint8Array
}

/**
 * Puts the code of an app, and its secrets, into the folder that the enclave reads. Secrets are always sealed; code where
 * its owner says so. Nothing that is sealed is written in clear.
 *
 * @param sealing of a content with its metadata. Default: a key for this once
 */
export async function placeApp(
  app: StackApp,
  folder: string,
  sealing: (content: Uint8Array, metadata: string) => Sealing = () => ({
    contentKey: crypto.randomBytes(32),
  }),
): Promise<PlacedApp> {
  const { name, command, env, port, healthcheck, memoryBytes } = app
  const sealed: SealedContent[] = []
  const seal = async (content: Uint8Array, what: string): Promise<{ file: string; artifact: string }> => {
    const metadata = JSON.stringify({ app: name, what })
    const how = sealing(content, metadata)
    const { id, sealed: bytes } = sealArtifact({
      ...how,
      plaintextBytes: content.length,
      source: [content],
      metadata,
    })
    const file = `${id}.sealed`
    // An enclave that runs may have the same file open.
    const part = join(folder, `${file}.part`)
    await pipeline(bytes, createWriteStream(part, { mode: 0o600 }))
    await rename(part, join(folder, file))
    sealed.push({ id, file, contentKey: how.contentKey })
    return { file, artifact: id }
  }
  const { tar, sha256, sealed: isSealed } = app.code
  const clear = `app-${sha256.slice(0, 16)}.tar`
  if (!isSealed) await writeWhole(join(folder, clear), tar, 0o644)
  const code = isSealed ? { ...(await seal(tar, 'code')), sha256 } : { file: clear, sha256 }
  const secrets = app.secrets && {
    ...(await seal(app.secrets, 'secrets')),
    names: namesOf(app.secrets),
  }
  return {
    role: {
      name,
      directory: folder,
      code,
      command,
      env,
      port,
      healthcheck,
      ...(secrets && { secrets }),
      memoryBytes,
    },
    sealed,
  }
}

/** The variables that secrets set, in one order: they stand in the configuration. */
function namesOf(secrets: Uint8Array): string[] {
  const { values } = JSON.parse(fromUtf8(secrets)) as { values: Record<string, string> }
  return Object.keys(values).sort()
}

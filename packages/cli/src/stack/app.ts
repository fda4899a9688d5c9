import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { writeWhole } from '@sotto/client/node'
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

/**
 * Puts the code of an app, and its secrets, into the folder that the enclave reads. Secrets are always sealed; code where
 * its owner says so. Nothing that is sealed is written in clear.
 */
export async function placeApp(app: StackApp, folder: string): Promise<PlacedApp> {
  const { name, command, env, port, healthcheck, memoryBytes } = app
  const sealed: SealedContent[] = []
  const seal = async (content: Uint8Array, what: string): Promise<{ file: string; artifact: string }> => {
    const contentKey = crypto.randomBytes(32)
    const { id, sealed: bytes } = sealArtifact({
      contentKey,
      plaintextBytes: content.length,
      source: [content],
      metadata: JSON.stringify({ app: name, what }),
    })
    const file = `${id}.sealed`
    await pipeline(bytes, createWriteStream(join(folder, file), { mode: 0o600 }))
    sealed.push({ id, file, contentKey })
    return { file, artifact: id }
  }
  const { tar, sha256, sealed: isSealed } = app.code
  const clear = `app-${sha256.slice(0, 16)}.tar`
  if (!isSealed) await writeWhole(join(folder, clear), tar, 0o644)
  const code = isSealed ? { ...(await seal(tar, 'code')), sha256 } : { file: clear, sha256 }
  const secrets = app.secrets && (await seal(app.secrets, 'secrets'))
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

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { canonicalJson } from '@sotto/protocol/jcs'
import { cliError } from '../errors.ts'
import { findLayout } from '../stack/layout.ts'
import { chooseModels } from '../stack/models.ts'
import { packCode, type PackedCode } from './app/pack.ts'
import { readSecrets } from './app/secrets.ts'
import type { DeploymentFile } from './file/index.ts'

/** A deployment that is ready to run: what its file names was read, and is what it has to be. */
export interface Prepared {
  file: DeploymentFile
  /** Of the app, if there is one. */
  code: PackedCode | undefined
  /** `{deployment, values}`; undefined where the app has none. */
  secrets: Uint8Array | undefined
  /**
   * SHA-256 of everything that makes it this deployment, built images included. Of secrets only a keyed digest goes in: the
   * same digest says that they are the same, and tells nobody what they are.
   */
  digest: string
}

/** What reading a deployment needs of its surroundings. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>
  /** Unix seconds. */
  now: number
  /** 32 random bytes that stay with this deployment's state: for the keyed digest. */
  secretsKey: Uint8Array
}

/**
 * Reads all that a deployment is made of. Nothing is written, sealed or started.
 * @throws `DEPLOY_APP`, `DEPLOY_EXPIRED`, `MODEL_INVALID` (fix-input), `STACK_NOT_BUILT`
 */
export async function prepareDeployment(
  file: DeploymentFile,
  surroundings: Surroundings,
  packed?: PackedCode,
): Promise<Prepared> {
  const { app, expiresAt } = file
  requireTime(expiresAt, surroundings.now)
  const { names, folders } = splitModels(file.models)
  const layout = findLayout()
  const models = await chooseModels(layout.models, names, folders)
  const code = app && (packed ?? (await packCode(app.code)))
  const secrets =
    app && Object.keys(app.secrets).length > 0
      ? await readSecrets(file.name, app.secrets, surroundings.env)
      : undefined
  const identity = {
    version: 1,
    // Which build of the roles it is.
    images: (await readFile(join(layout.dist, 'stamp'), 'utf8').catch(() => '')).trim(),
    name: file.name,
    models: models.map(({ manifest }) => `${manifest.id} ${manifest.digest}`).sort(),
    aliases: file.aliases,
    replicas: file.resources.replicas,
    expiresAt: expiresAt ?? null,
    app: app
      ? {
          code: code!.sha256,
          sealed: app.sealed,
          command: app.command,
          env: app.env,
          port: app.port,
          health: app.health,
          memory: app.memory,
          secrets: secrets ? toHex(crypto.hmac('sha256', surroundings.secretsKey, secrets)) : null,
        }
      : null,
  }
  return { file, code, secrets, digest: toHex(crypto.sha256(canonicalJson(identity))) }
}

/** Models that come with Sotto, by name, and folders of others. Undefined names: all of them. */
export function splitModels(models: readonly string[] | undefined): {
  names: string[] | undefined
  folders: string[]
} {
  return {
    names: models?.filter((model) => !model.startsWith('/')),
    folders: models?.filter((model) => model.startsWith('/')) ?? [],
  }
}

function requireTime(expiresAt: number | undefined, now: number): void {
  if (expiresAt === undefined || expiresAt > now) return
  throw cliError('DEPLOY_EXPIRED', 'this deployment has expired', {
    expected: 'a time to come in expires',
    found: new Date(expiresAt * 1000).toISOString(),
    hint: 'change expires in sotto.yaml, or leave it out',
  })
}

/** A key for digests of secrets, as hexadecimal text. */
export function secretsKeyOf(secret: string): Uint8Array {
  return crypto.sha256(utf8(`sotto-deploy-secrets ${secret}`))
}

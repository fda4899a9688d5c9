import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelOwner, sealingSecrets } from '@sotto/client/models'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { APP_IN_CONTAINER } from '../../oci/index.ts'
import { openOwner, ownerKeyFile } from '../../owner/index.ts'
import type { AppRole } from '../../roles/index.ts'
import { readPolicy } from '../../service/index.ts'
import { type PlacedApp, placeApp, type Sealing, type StackApp } from '../../stack/app.ts'
import type { DeploymentFile } from '../file/index.ts'
import { appOf } from '../local/stack-options.ts'
import { prepareDeployment } from '../prepare.ts'
import { importKeys } from './import-keys.ts'

/** What placing an app depends on. */
export interface PlaceOptions {
  dryRun: boolean
  /** KMS that already runs, as this machine reaches it. */
  kms: string | undefined
  /** Its log, as this machine reaches it. */
  log: string | undefined
}

/** Of what is derived from the owner's key. */
const SEALING = 'app of a deployment'

/**
 * Puts the files of a deployment's app into the folder `app` of what is rendered: sealed for a KMS that runs, which gets the
 * keys, where there is something to seal. Undefined where there is no app, or no KMS yet.
 *
 * The same app of the same owner, for the same KMS, is the same bytes each time: its keys are derived. What an earlier run
 * left stays until {@link removeEarlierApp}.
 * @throws `DEPLOY_APP`, `CLI_USAGE` (fix-input)
 */
export async function placeClusterApp(
  context: CommandContext,
  file: DeploymentFile,
  output: string,
  options: PlaceOptions,
): Promise<AppRole | undefined> {
  if (file.app === undefined) return undefined
  const now = Math.floor(context.io.now() / 1000)
  const prepared = await prepareDeployment(
    // Models of a cluster are their owners': nothing here has them.
    { ...file, models: [] },
    { env: context.io.env, now, secretsKey: new Uint8Array(32) },
  )
  const needsKeys = file.app.sealed || prepared.secrets !== undefined
  const { kms: kmsUrl, log: logUrl } = options
  if (needsKeys && (kmsUrl === undefined || logUrl === undefined || file.policy === undefined))
    return undefined
  if (options.dryRun)
    throw cliError('CLI_USAGE', 'an app is packed, and sealed with keys for the KMS, which is no dry run', {
      hint: 'leave out --dry-run: what is rendered runs nowhere without --apply',
    })
  const target = join(output, 'app')
  await mkdir(target, { recursive: true, mode: 0o755 })
  const app = appOf(prepared)!
  const { role } = needsKeys
    ? await sealApp(context, app, target, { kmsUrl: kmsUrl!, logUrl: logUrl!, policy: file.policy!, now })
    : await placeApp(app, target)
  return { ...role, directory: APP_IN_CONTAINER }
}

/** Removes what earlier runs left of an app, once no configuration names it any more. */
export async function removeEarlierApp(output: string, app: AppRole | undefined): Promise<void> {
  if (app === undefined) return
  const folder = join(output, 'app')
  const kept = [app.code.file, app.secrets?.file]
  for (const name of await readdir(folder))
    if (/\.(?:tar|sealed)$/.test(name) && !kept.includes(name)) await rm(join(folder, name))
}

/** Places an app with what is sealed of it, and gives the KMS the keys. */
async function sealApp(
  context: CommandContext,
  app: StackApp,
  target: string,
  kms: { kmsUrl: string; logUrl: string; policy: string; now: number },
): Promise<PlacedApp> {
  const policy = await readPolicy(kms.policy)
  const { owner } = await openOwner(ownerKeyFile(context.io, undefined))
  const placed = await placeApp(app, target, (content, metadata) =>
    sealingOf(owner, [policy.genesis, metadata, toHex(crypto.sha256(content))]),
  )
  await importKeys({ ...kms, policy, contents: placed.sealed, owner })
  return placed
}

/** How content is sealed, the same for the same: `about` is all that the sealed bytes depend on. */
function sealingOf(owner: ModelOwner, about: readonly string[]): Sealing {
  const { id, salt } = sealingSecrets(owner, [SEALING, ...about])
  return { id: toHex(id), salt, contentKey: owner.contentKey(toHex(id)) }
}

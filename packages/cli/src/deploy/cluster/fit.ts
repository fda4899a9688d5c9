import { isModelName } from '@sotto/protocol/sealed-models'
import { cliError } from '../../errors.ts'
import type { ClusterSection, DeploymentFile } from '../file/index.ts'

/** The folder that is kept, or one below it. */
const KEPT_FOLDER = /^\/var\/lib\/sotto(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/

/** As the enclave takes them. */
const MAX_PINNED = 32

/** As the chart takes it, which makes names of hosts of it. */
const MAX_NAME = 50

/**
 * Refuses what a role would refuse once it starts, in a cluster and not before.
 * @param keepsFiles whether what a role writes outlives its container
 * @throws `DEPLOY_FILE`
 */
export function requireFit(
  { path, name, models = [] }: DeploymentFile,
  { root, secrets }: ClusterSection,
  keepsFiles: boolean,
): void {
  const refuse = (message: string, expected: string, found: string): Error =>
    cliError('DEPLOY_FILE', `${path}: ${message}`, {
      expected,
      found,
      hint: 'docs/deploy.md has an example',
    })
  if (name.length > MAX_NAME || name.endsWith('-'))
    throw refuse(
      'the name would be part of names of hosts',
      `at most ${MAX_NAME} characters, the last one no hyphen`,
      name,
    )
  if (models.length > MAX_PINNED)
    throw refuse('more models than an enclave keeps loaded', `at most ${MAX_PINNED}`, `${models.length}`)
  const local = models.find((model) => !isModelName(model))
  if (local !== undefined)
    throw refuse(
      'models of a cluster are those of owners, by their registry',
      '<24 characters of the owner>/<name>, with :<version> for exactly that one',
      local.startsWith('/') ? 'a folder' : local,
    )
  const { source, folder } = root
  if (!keepsFiles) {
    if (secrets.postgres === undefined)
      throw refuse(
        'the KMS has no disk to keep its store on',
        'cluster.secrets.postgres: the database of its store',
        'none',
      )
    const kept = keptFileOf(root)
    if (kept === undefined) return
    throw refuse(
      'the KMS has no disk to keep the way back to its root secret on',
      'cluster.root: source azure-managed-hsm, without folder and previousKeyVersion',
      kept,
    )
  }
  if (source === 'custodians' && folder === undefined && secrets.postgres !== undefined)
    throw refuse(
      'cluster.root.folder is missing: the store is a database, and the way back to the root secret is a file',
      'a folder below /var/lib/sotto',
      'none',
    )
  if (folder !== undefined && !(typeof folder === 'string' && KEPT_FOLDER.test(folder)))
    throw refuse(
      'cluster.root.folder would not outlive its container',
      '/var/lib/sotto or a folder below it',
      'another folder',
    )
}

/** What of a root secret is in a file, as the KMS wants it beside a database: what custodians shared, a key version before this one. */
function keptFileOf({ source, folder, previousKeyVersion }: ClusterSection['root']): string | undefined {
  if (source === 'custodians') return 'source custodians'
  if (folder !== undefined) return 'a folder'
  return previousKeyVersion === undefined ? undefined : 'previousKeyVersion'
}

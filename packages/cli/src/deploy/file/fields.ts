import { resolve } from 'node:path'
import {
  areDistinct,
  base64url,
  type Decoder,
  integer,
  jcsError,
  list,
  members as object,
  oneOf,
  partial,
  text,
} from '@sotto/protocol/jcs'
import { parseVerifierKey } from '@sotto/protocol/note'
import { toHex } from '@sotto/protocol/bytes'
import { timeField } from '../../input/index.ts'
import { appFields } from './app-fields.ts'
import { memberKey, noteKey, serviceUrl } from './keys.ts'
import {
  type AppSection,
  type ClusterSection,
  type DeploymentFile,
  type ResourcesSection,
  type Target,
  TARGETS,
} from './types.ts'
import { command, GIB, MIB, size, table, word } from './values.ts'

const MAX_ENTRIES = 64
const MAX_PATH = 1024
const MAX_ROOT_CHARACTERS = 32_768
const MAX_MEMBERS = 16

const NAME = /^[a-z][a-z0-9-]{0,62}$/
const ALIAS = /^[A-Za-z0-9][\w./:-]{0,127}$/
const MODEL = /^[a-z0-9][a-z0-9._/-]{0,127}(?::[1-9]\d{0,9})?$/
const IMAGE = /^[a-z0-9][a-z0-9._:/-]{0,254}@sha256:[0-9a-f]{64}$/
const KUBERNETES_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** As the log takes it. */
const ORIGIN = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/

const resources: Decoder<ResourcesSection> = (value, path) => ({
  replicas: 1,
  cpu: 4,
  memory: 8 * GIB,
  ...partial<Partial<ResourcesSection>>({
    replicas: integer(1, 8),
    cpu: integer(1, 256),
    memory: size(256 * MIB, 2048 * GIB),
  })(value, path),
})

const image = text(400, IMAGE)
const images = object<ClusterSection['images']>({ kms: image, inference: image, edge: image }, {})
const httpUrl = text(512, /^https?:\/\/[^\s/?#@]+$/)

/** Where a root secret comes from. What is in it the KMS judges; here it is small, and plain data. */
const root: Decoder<ClusterSection['root']> = (value, path) => {
  const source =
    typeof value === 'object' && value !== null ? (value as { source?: unknown }).source : undefined
  oneOf('custodians', 'azure-managed-hsm', 'tee')(source, `${path}.source`)
  if (JSON.stringify(value).length > MAX_ROOT_CHARACTERS)
    throw jcsError('JCS_FIELD', `${path}: larger than ${MAX_ROOT_CHARACTERS} characters`)
  return value as ClusterSection['root']
}

const cluster: Decoder<ClusterSection> = (value, path) => {
  type Given = Omit<
    ClusterSection,
    'namespace' | 'runtimeClass' | 'kmsReplicas' | 'secrets' | 'addresses' | 'region' | 'database'
  > & {
    addresses?: ClusterSection['addresses']
    region?: string
    database?: { cidr: string; port: number }
    namespace?: string
    runtimeClass?: string
    kmsReplicas?: number
    secrets?: Partial<ClusterSection['secrets']>
  }
  const given = object<Given>(
    {
      images,
      tee: oneOf('snp', 'tdx', 'azure-cvm'),
      members: table(/^[A-Za-z0-9][\w .-]{0,63}$/, memberKey, MAX_MEMBERS),
      threshold: integer(1, MAX_MEMBERS),
      releaseKeys: list(base64url(32), 1, 8),
      root,
      log: object<ClusterSection['log']>(
        {
          origin: text(128, ORIGIN),
          key: noteKey('ed25519'),
          witnesses: list(
            object<{ url: string; key: string }>({ url: serviceUrl, key: noteKey('cosignature-v1') }, {}),
            1,
            16,
          ),
          quorum: integer(1, 16),
        },
        {},
      ),
      relayHost: text(253, HOST),
    },
    {
      namespace: text(63, KUBERNETES_NAME),
      runtimeClass: text(63, KUBERNETES_NAME),
      kmsReplicas: integer(1, 8),
      addresses: partial<ClusterSection['addresses']>({
        log: httpUrl,
        kms: httpUrl,
        registry: httpUrl,
        inference: httpUrl,
        relay: httpUrl,
      }),
      database: object<{ cidr: string; port: number }>(
        { cidr: text(43, /^[0-9a-f.:]+\/\d{1,3}$/), port: integer(1, 65_535) },
        {},
      ),
      region: text(32, /^[a-z][a-z0-9]{2,31}$/),
      secrets: partial<Partial<ClusterSection['secrets']>>({
        appendToken: text(63, KUBERNETES_NAME),
        postgres: text(63, KUBERNETES_NAME),
        relayTls: text(63, KUBERNETES_NAME),
      }),
    },
  )(value, path)
  const { secrets = {}, ...rest } = given
  const decided: ClusterSection = {
    namespace: 'sotto',
    runtimeClass: undefined,
    kmsReplicas: 1,
    addresses: {},
    region: undefined,
    database: undefined,
    ...rest,
    secrets: {
      appendToken: secrets.appendToken ?? 'sotto-append-token',
      postgres: secrets.postgres,
      relayTls: secrets.relayTls ?? 'sotto-relay-tls',
    },
  }
  requireDistinct(Object.values(decided.members), `${path}.members`)
  requireDistinct(decided.releaseKeys, `${path}.releaseKeys`)
  // Under two names one witness would be counted twice.
  const witnesses = decided.log.witnesses.map(({ key }) => toHex(parseVerifierKey(key).publicKey))
  requireDistinct(witnesses, `${path}.log.witnesses`)
  const members = Object.keys(decided.members).length
  if (decided.threshold > members)
    throw jcsError('JCS_FIELD', `${path}.threshold: there are only ${members} members`)
  if (decided.log.quorum > decided.log.witnesses.length)
    throw jcsError(
      'JCS_FIELD',
      `${path}.log.quorum: there are only ${decided.log.witnesses.length} witnesses`,
    )
  if (decided.kmsReplicas > 1 && decided.secrets.postgres === undefined)
    throw jcsError(
      'JCS_FIELD',
      `${path}.kmsReplicas: replicas share a database: name its Secret in secrets.postgres`,
    )
  return decided
}

function requireDistinct(values: readonly string[], path: string): void {
  if (!areDistinct(values)) throw jcsError('JCS_FIELD', `${path}: one key stands there twice`)
}

/** Decodes what a `sotto.yaml` holds. Relative paths in it are relative to `folder`. @throws `JCS_FIELD` with the path of the member */
export function deploymentFields(folder: string): Decoder<Omit<DeploymentFile, 'path'>> {
  return (value, path) => {
    type Given = Pick<DeploymentFile, 'name'> & {
      target?: Target
      models?: string[]
      aliases?: Record<string, string>
      app?: AppSection
      tests?: string[]
      resources?: ResourcesSection
      policy?: string
      expires?: number
      cluster?: ClusterSection
    }
    const given = object<Given>(
      { name: text(63, NAME) },
      {
        target: oneOf(...TARGETS),
        models: list(word(MAX_PATH), 0, MAX_ENTRIES),
        aliases: table(ALIAS, text(128, MODEL)),
        app: appFields(folder),
        tests: command,
        resources,
        policy: word(MAX_PATH),
        expires: timeField('23:59:59', true),
        cluster,
      },
    )(value, path)
    return {
      name: given.name,
      target: given.target ?? 'local',
      // What begins like a path is a folder; anything else is a name of a model.
      models: given.models?.map((model) => (/^[./]/.test(model) ? resolve(folder, model) : model)),
      aliases: given.aliases ?? {},
      app: given.app,
      tests: given.tests,
      resources: given.resources ?? resources({}, 'resources'),
      policy: given.policy === undefined ? undefined : resolve(folder, given.policy),
      expiresAt: given.expires,
      cluster: given.cluster,
    }
  }
}

/** Roles of a deployment that is no laptop. Witnesses are others' machines. */
export const CLUSTER_ROLES = ['log', 'kms', 'registry', 'inference', 'relay'] as const
export type ClusterRole = (typeof CLUSTER_ROLES)[number]

/** Where a deployment runs. */
export const TARGETS = ['local', 'compose', 'kubernetes', 'aci'] as const
export type Target = (typeof TARGETS)[number]

/** Where the value of a secret is read when it is sealed. Values never stand in the file. */
export type SecretSource = { env: string } | { file: string }

/** The own app: a web service that runs beside the models, see docs/apps.md. */
export interface AppSection {
  /** Folder of its code, absolute. */
  code: string
  /** Run in the folder of its code. */
  command: string[]
  /** Whether its code is sealed, so that only the enclave sees it. Default false. */
  sealed: boolean
  /** Port it listens at, inside its own network. Default 8080. */
  port: number
  /** Default `/health` within 60 seconds. */
  health: { path: string; startSeconds: number }
  env: Record<string, string>
  secrets: Record<string, SecretSource>
  /** Bytes. Default 1 GiB. */
  memory: number
}

/** What a deployment may use. */
export interface ResourcesSection {
  /** Enclaves that hold the same keys: 1 to 8. Default 1. */
  replicas: number
  /** Processors of an enclave, for clusters. Default 4. */
  cpu: number
  /** Memory of an enclave, bytes, for clusters. Default 8 GiB. */
  memory: number
}

/** Container images by digest, and where they come from. */
export interface ImagesSection {
  kms: string
  inference: string
  edge: string
}

/** What the targets that are no laptop need to know. */
export interface ClusterSection {
  images: ImagesSection
  /** The hardware the measured roles run on. */
  tee: 'snp' | 'tdx' | 'azure-cvm'
  /** Public keys of those who decide about the KMS, base64url, by name. */
  members: Record<string, string>
  /** How many of them it takes. */
  threshold: number
  /** Keys whose release statements count, base64url. */
  releaseKeys: string[]
  log: {
    origin: string
    /** Verifier key of the log. */
    key: string
    /** Independent witnesses: address and verifier key. */
    witnesses: { url: string; key: string }[]
    quorum: number
  }
  /** Kubernetes only. */
  namespace: string
  runtimeClass: string | undefined
  /** Where the KMS's root secret comes from, as docs/root-key.md says. */
  root: Readonly<Record<string, unknown>>
  /** Replicas of the KMS; more than one needs `postgres`. */
  kmsReplicas: number
  /** Names of Secrets that exist: of the log's append token, of the database, and of the certificate of `relayHost`. */
  secrets: { appendToken: string; postgres: string | undefined; relayTls: string }
  /** Address people reach the relay at. */
  relayHost: string
  /** Where roles reach a role that is not where the target puts it. */
  addresses: Partial<Record<ClusterRole, string>>
  /** Network of the database of `secrets.postgres`, for network policies. */
  database: { cidr: string; port: number } | undefined
  /** Region of Azure, for `aci`. */
  region: string | undefined
}

/** A `sotto.yaml`, decoded, with defaults and absolute paths. */
export interface DeploymentFile {
  /** Absolute path it was read from. */
  path: string
  /** `[a-z][a-z0-9-]{0,62}` */
  name: string
  target: Target
  /** Names of models that come with Sotto, or absolute folders; undefined: all that come with it. */
  models: string[] | undefined
  aliases: Record<string, string>
  app: AppSection | undefined
  /** The app's own tests: run by `sotto test` beside a running local deployment. */
  tests: string[] | undefined
  resources: ResourcesSection
  /** Trust policy of an existing KMS, absolute. Needed by every target but `local`, once the KMS runs. */
  policy: string | undefined
  /** Unix seconds after which the deployment serves nobody. */
  expiresAt: number | undefined
  cluster: ClusterSection | undefined
}

import type { TrustPolicy } from '@sotto/verifier'
import { createWorld } from '@sotto/testkit'
import { encodeTrustPolicy } from '@sotto/verifier'
import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import {
  encodeRoleConfig,
  inferenceConfig,
  kmsConfig,
  logConfig,
  registryConfig,
  relayConfig,
  witnessConfig,
} from '../../../packages/cli/src/roles/index.ts'
import type { LogPins, RoleConfig } from '../../../packages/cli/src/roles/index.ts'

/** A port for each role, so that no rule holds for another by accident. */
export const PORTS = {
  log: 7001,
  witness: 7002,
  kms: 7000,
  registry: 7003,
  relay: 8080,
  enclave: 8700,
  kmsMetrics: 9091,
  enclaveMetrics: 9092,
  proxy: 8443,
  proxyMetrics: 9464,
} as const

const STATE = '/var/lib/sotto'
const listen = (port: number): { host: string; port: number } => ({ host: '0.0.0.0', port })
const at = (role: keyof typeof PORTS): string => `http://town-${role}:${PORTS[role]}`

const { policy: worldPolicy } = await createWorld()
/** A policy for hardware. */
export const POLICY: TrustPolicy = {
  ...worldPolicy,
  require: [...worldPolicy.require, 'hardware.cpu-vendor'],
  platforms: [{ name: 'milan', allOf: [{ family: 'sev-snp' }] }],
}
const pins: LogPins = {
  origin: worldPolicy.log.origin,
  key: worldPolicy.log.key,
  witnesses: { keys: worldPolicy.witnesses.keys.map(({ key }) => key), quorum: 1 },
}
const [witnessKey] = pins.witnesses.keys

const member = { name: 'ada', key: toBase64Url(new Uint8Array(32).fill(7)) }
const founders = { members: [member], threshold: 1, releaseKeys: [toBase64Url(new Uint8Array(32).fill(9))] }
const custodians = { source: 'tee', folder: `${STATE}/root` }

/** An own app, as a deployment has one. */
export const APP = {
  name: 'chat',
  directory: '/var/lib/sotto-app',
  code: { file: 'app.tar', sha256: 'a'.repeat(64) },
  command: ['node', 'server.mjs'],
  env: { GREETING: 'h\u00e9 <&> \u2028 \u{1f510} "quoted"\\' },
  port: 8080,
  healthcheck: { path: '/health', startSeconds: 60 },
  memoryBytes: 2 ** 30,
}

const inference = (more: object = {}): RoleConfig => ({
  ...inferenceConfig({
    listen: listen(PORTS.enclave),
    metrics: listen(PORTS.enclaveMetrics),
    kmsUrls: [0, 1, 2].map((index) => `http://town-kms-${index}.town-kms-pods:${PORTS.kms}`),
    logUrl: at('log'),
    registryUrl: at('registry'),
    policy: POLICY,
    modelsFolder: '/var/lib/sotto-models',
    models: [{ id: 'b'.repeat(32), file: 'model.sealed' }],
    aliases: {},
    dataUse: { tasks: ['text-generation'], retentionSeconds: 0, training: false } as never,
    maxUploadBytes: 64 * 2 ** 20,
    app: APP,
  }),
  drainSeconds: 45,
  ...more,
})

/** The configurations that the values below hold, by component. */
export const CONFIGS = {
  log: logConfig({
    origin: pins.origin,
    listen: listen(PORTS.log),
    store: `${STATE}/log`,
    witnesses: [{ url: at('witness'), key: witnessKey! }],
    quorum: 1,
  }),
  witness: witnessConfig({
    name: 'witness.example/town',
    listen: listen(PORTS.witness),
    store: `${STATE}/witness`,
    log: pins,
  }),
  kms: kmsConfig({
    name: 'town',
    listen: listen(PORTS.kms),
    metrics: listen(PORTS.kmsMetrics),
    store: { postgres: { name: 'town' } },
    root: custodians,
    logUrl: at('log'),
    log: pins,
    founders,
  }),
  registry: registryConfig({
    listen: listen(PORTS.registry),
    store: `${STATE}/registry`,
    genesis: 'c'.repeat(64),
    owners: '/etc/sotto-owners/owners.json',
    logUrl: at('log'),
    log: pins,
  }),
  enclave: inference(),
  relay: relayConfig({
    listen: listen(PORTS.relay),
    gateway: 'inference',
    enclaves: [at('enclave')],
    logUrl: at('log'),
    browserOrigins: [],
    requestBytes: 2 ** 26,
  }),
} as const

export const KMS_ALONE: RoleConfig = { ...CONFIGS.kms, store: `${STATE}/kms` }

const image = (name: string, digit: string): object => ({
  repository: `registry.example/sotto/${name}`,
  digest: `sha256:${digit.repeat(64)}`,
})
const kmsImage = image('kms', '1')
const enclaveImage = image('inference', '2')
const edge = { enabled: true, image: image('edge', '3') }
const config = (name: keyof typeof CONFIGS): { config: string } => ({
  config: encodeRoleConfig(CONFIGS[name]),
})
const policy = fromUtf8(encodeTrustPolicy(POLICY))

/** Everything the chart has, switched on. */
export const WHOLE = {
  policy,
  runtimeClassName: 'kata-qemu-snp',
  imagePullSecrets: [{ name: 'pull' }],
  tee: { type: 'snp', collateral: { existingConfigMap: 'collateral' } },
  secrets: {
    appendToken: { existingSecret: 'append-token' },
    postgres: { existingSecret: 'database' },
    logKey: { existingSecret: 'log-key' },
    witnessKey: { existingSecret: 'witness-key' },
  },
  metrics: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } } },
  log: { ...edge, ...config('log'), podDisruptionBudget: { enabled: true } },
  witness: { ...edge, ...config('witness') },
  kms: {
    enabled: true,
    replicas: 3,
    image: kmsImage,
    ...config('kms'),
    postgres: { to: [{ ipBlock: { cidr: '10.20.0.0/24' } }] },
  },
  registry: { ...edge, ...config('registry'), owners: '{"owners":[]}' },
  relay: {
    ...edge,
    ...config('relay'),
    ingress: {
      enabled: true,
      className: 'nginx',
      hosts: ['relay.example'],
      tls: { existingSecret: 'relay-tls' },
    },
    route: {
      enabled: true,
      parentRefs: [{ name: 'public', sectionName: 'https' }],
      hostnames: ['relay.example'],
    },
  },
  enclave: {
    enabled: true,
    image: enclaveImage,
    ...config('enclave'),
    models: { volume: { persistentVolumeClaim: { claimName: 'models', readOnly: true } } },
    app: { volume: { configMap: { name: 'app' } } },
    autoscaling: { enabled: true },
    extraEnv: [{ name: 'TZ', value: 'UTC' }],
  },
  proxy: {
    ...edge,
    tls: { existingSecret: 'proxy-tls' },
    users: { existingSecret: 'proxy-users' },
    clientCa: { existingSecret: 'proxy-ca' },
    hosts: ['ai.example'],
    ingress: { enabled: true, hosts: ['ai.example'], tls: { existingSecret: 'ai-tls' } },
    route: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['ai.example'] },
  },
}

/** One KMS that keeps a folder; one enclave without an app; nothing optional. */
export const SMALL = {
  tee: { type: 'tdx' },
  runtimeClassName: 'kata-qemu-tdx',
  secrets: { appendToken: { existingSecret: 'append-token' } },
  log: { ...edge, ...config('log') },
  kms: { enabled: true, image: kmsImage, config: encodeRoleConfig({ ...KMS_ALONE, metrics: undefined }) },
  relay: { ...edge, ...config('relay') },
  enclave: {
    enabled: true,
    replicas: 1,
    image: enclaveImage,
    config: encodeRoleConfig(
      inference({
        app: undefined,
        metrics: undefined,
        models: { directory: '/var/lib/sotto-models', artifacts: [] },
      }),
    ),
  },
}

/** Machines whose evidence has no field for a configuration. */
export const AZURE = {
  tee: { type: 'azure-cvm' },
  secrets: { appendToken: { existingSecret: 'append-token' } },
  kms: {
    enabled: true,
    image: kmsImage,
    configInImage: true,
    config: encodeRoleConfig({
      ...KMS_ALONE,
      root: {
        source: 'azure-managed-hsm',
        vaultUrl: 'https://town.managedhsm.azure.net',
        keyName: 'root',
        keyVersion: 'd'.repeat(32),
        maa: 'https://town.weu.attest.azure.net',
      },
      compat: { dialect: 'azure', listen: listen(8444) },
    }),
  },
  enclave: { ...SMALL.enclave, configInImage: true, nodeSelector: { size: 'DC8as_v5' } },
}

/** An operator's untrusted half, under tags. */
export const EDGE = {
  secrets: { appendToken: { existingSecret: 'append-token' } },
  log: {
    ...edge,
    config: encodeRoleConfig({
      ...CONFIGS.log,
      witnesses: [
        { url: 'https://witness.example', key: witnessKey },
        { url: 'https://w.example:8443/a', key: pins.witnesses.keys[1] ?? witnessKey },
      ],
    }),
  },
  relay: {
    enabled: true,
    image: { repository: 'registry.example/edge', tag: '0.1.0', allowTag: true },
    ...config('relay'),
  },
}

/** An organisation that runs nothing but its proxy. */
export const ORGANISATION = {
  policy,
  proxy: { ...WHOLE.proxy, relay: 'https://relay.example', ingress: {}, route: {} },
}

/** Value sets that have to render, by name. */
export const SETS: Readonly<Record<string, object>> = {
  nothing: {},
  whole: WHOLE,
  small: SMALL,
  azure: AZURE,
  edge: EDGE,
  organisation: ORGANISATION,
}

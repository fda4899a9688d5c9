import { describe, expect, it } from 'vitest'
import { isHelmMissing, refusal } from './tools.ts'
import { AZURE, CONFIGS, EDGE, KMS_ALONE, ORGANISATION, SMALL, WHOLE } from './values.ts'

const tagged = { repository: 'registry.example/sotto/x', tag: '1.0.0' }
const changed = (name: keyof typeof CONFIGS, change: object): { config: string } => ({
  config: JSON.stringify({ ...CONFIGS[name], ...change }),
})
const without = (values: object, name: string): object =>
  Object.fromEntries(Object.entries(values).filter(([key]) => key !== name))

/** By the schema: before anything is rendered. */
const BY_SCHEMA: readonly [string, object, RegExp][] = [
  ['a measured image by tag: kms', { ...WHOLE, kms: { ...WHOLE.kms, image: tagged } }, /kms/],
  ['a measured image by tag: enclave', { ...WHOLE, enclave: { ...WHOLE.enclave, image: tagged } }, /enclave/],
  [
    'a measured image by tag, even where that is said to be fine',
    { ...WHOLE, enclave: { ...WHOLE.enclave, image: { ...tagged, allowTag: true } } },
    /enclave/,
  ],
  [
    'another image by tag, unless that is said to be fine',
    { ...EDGE, relay: { ...EDGE.relay, image: tagged } },
    /relay/,
  ],
  [
    'a digest that is none',
    { ...WHOLE, kms: { ...WHOLE.kms, image: { repository: 'a', digest: 'sha256:abc' } } },
    /digest/,
  ],
  ['an unknown part', { ...WHOLE, enclav: {} }, /enclav/],
  ['an unknown member', { ...WHOLE, relay: { ...WHOLE.relay, replica: 3 } }, /replica/],
  [
    'an unknown member far inside',
    { ...WHOLE, relay: { ...WHOLE.relay, ingress: { ...WHOLE.relay.ingress, host: 'a' } } },
    /host/,
  ],
  ['several KMSes without PostgreSQL', { ...SMALL, kms: { ...SMALL.kms, replicas: 2 } }, /postgres/],
  ['several logs', { ...WHOLE, log: { ...WHOLE.log, replicas: 2 } }, /replicas/],
  ['measured roles on no hardware', without(SMALL, 'tee'), /tee/],
  ['hardware that nobody verifies', { ...SMALL, tee: { type: 'sev' } }, /tee/],
  ['a log to which nobody may append', without(EDGE, 'secrets'), /appendToken|existingSecret/],
  ['a proxy in clear', { ...ORGANISATION, proxy: { ...ORGANISATION.proxy, tls: {} } }, /tls|existingSecret/],
  [
    'a relay that is asked in clear',
    { ...ORGANISATION, proxy: { ...ORGANISATION.proxy, relay: 'http://relay.example' } },
    /relay/,
  ],
  [
    'an ingress without TLS',
    { ...WHOLE, relay: { ...WHOLE.relay, ingress: { enabled: true, hosts: ['a.example'] } } },
    /tls|existingSecret/,
  ],
  ['a role without configuration', { ...EDGE, log: { ...EDGE.log, config: '' } }, /config/],
  ['a configuration that is an object', { ...EDGE, log: { ...EDGE.log, config: { listen: {} } } }, /config/],
  [
    'a configuration larger than a role reads',
    { ...EDGE, log: { ...EDGE.log, config: `{"a":"${'x'.repeat(262_144)}"}` } },
    /config/,
  ],
  [
    'a variable that changes what Node executes',
    { ...EDGE, log: { ...EDGE.log, extraEnv: [{ name: 'NODE_OPTIONS', value: '--inspect' }] } },
    /extraEnv|name/,
  ],
]

/** By the templates, which read configurations. */
const BY_TEMPLATE: readonly [string, object, string][] = [
  [
    'several KMSes over a folder',
    { ...WHOLE, kms: { ...WHOLE.kms, config: JSON.stringify(KMS_ALONE) } },
    'kms.replicas: expected 1, for the store is a folder, found 3',
  ],
  [
    'a database without its Secret',
    { ...WHOLE, kms: { ...WHOLE.kms, replicas: 1 }, secrets: { ...WHOLE.secrets, postgres: {} } },
    'secrets.postgres.existingSecret: expected',
  ],
  [
    'a database that nobody may reach',
    { ...WHOLE, kms: { ...WHOLE.kms, postgres: { to: [] } } },
    'kms.postgres.to: expected where the database is',
  ],
  [
    'a store that would not outlive the pod',
    { ...WHOLE, log: { ...WHOLE.log, ...changed('log', { store: '/data' }) } },
    'log.config: store: expected /var/lib/sotto or a folder below it, found /data',
  ],
  [
    'a trace of the root secret that would not either',
    { ...WHOLE, kms: { ...WHOLE.kms, ...changed('kms', { root: { source: 'tee', folder: '/root' } }) } },
    'kms.config: root.folder: expected',
  ],
  [
    'a role on loopback',
    { ...WHOLE, relay: { ...WHOLE.relay, ...changed('relay', { listen: { host: '127.0.0.1', port: 80 } }) } },
    'relay.config: listen.host is loopback',
  ],
  [
    'a role on loopback by default',
    { ...WHOLE, relay: { ...WHOLE.relay, ...changed('relay', { listen: { port: 80 } }) } },
    'relay.config: listen.host is loopback',
  ],
  [
    'metrics on loopback',
    { ...WHOLE, enclave: { ...WHOLE.enclave, ...changed('enclave', { metrics: { port: 80 } }) } },
    'enclave.config: metrics.host is loopback',
  ],
  [
    'a port that the system chooses',
    { ...WHOLE, relay: { ...WHOLE.relay, ...changed('relay', { listen: { host: '::', port: 0 } }) } },
    'listen.port: expected 1 to 65535, found 0',
  ],
  [
    'a configuration that is no JSON',
    { ...WHOLE, relay: { ...WHOLE.relay, config: '{"listen":' } },
    'relay.config: expected the configuration of the role as JSON',
  ],
  [
    'a configuration without an address',
    { ...WHOLE, relay: { ...WHOLE.relay, config: '{}' } },
    'relay.config: expected listen',
  ],
  [
    'a policy that is no JSON',
    { ...WHOLE, policy: 'require: all' },
    'policy: expected the trust policy as JSON',
  ],
  [
    'a configuration that no evidence names',
    { ...AZURE, kms: { ...AZURE.kms, configInImage: false } },
    'kms.configInImage: expected true, for evidence of azure-cvm',
  ],
  [
    'models that are nowhere',
    { ...WHOLE, enclave: { ...WHOLE.enclave, models: {} } },
    'enclave.models.volume: expected',
  ],
  [
    'an app that is nowhere',
    { ...WHOLE, enclave: { ...WHOLE.enclave, app: {} } },
    'enclave.app.volume: expected',
  ],
  [
    'scaling by what nobody counts',
    { ...WHOLE, enclave: { ...WHOLE.enclave, ...changed('enclave', { metrics: undefined }) } },
    'enclave.autoscaling: expected metrics',
  ],
  [
    'owners in the folder of state',
    {
      ...WHOLE,
      registry: { ...WHOLE.registry, ...changed('registry', { owners: '/var/lib/sotto/owners.json' }) },
    },
    'registry.config: owners: expected',
  ],
  [
    'a proxy for everybody',
    { ...ORGANISATION, proxy: { ...ORGANISATION.proxy, users: {}, clientCa: {} } },
    'proxy.users.existingSecret: expected',
  ],
  ['a proxy that accepts anybody', without(ORGANISATION, 'policy'), 'policy: expected the trust policy'],
  [
    'a proxy that knows no relay',
    { ...ORGANISATION, proxy: { ...ORGANISATION.proxy, relay: '' } },
    'proxy.relay: expected',
  ],
  [
    'a route for no name',
    { ...WHOLE, relay: { ...WHOLE.relay, route: { enabled: true } } },
    'relay.route: expected parentRefs',
  ],
]

describe.skipIf(isHelmMissing)('the chart refuses', () => {
  it.each(BY_SCHEMA)('%s', async (_name, values, place) => {
    for (const helm of ['helm3', 'helm4'] as const) {
      const said = await refusal(values, { helm })
      expect(said, helm).toContain("values don't meet the specifications of the schema")
      expect(said, helm).toMatch(place)
    }
  })

  it.each(BY_TEMPLATE)('%s', async (_name, values, message) => {
    expect(await refusal(values)).toContain(message)
  })
})

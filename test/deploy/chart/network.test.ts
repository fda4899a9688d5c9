import { describe, expect, it } from 'vitest'
import { createNetwork, type Party } from './network.ts'
import { isHelmMissing, podsOf, render } from './tools.ts'
import { encodeRoleConfig } from '../../../packages/cli/src/roles/index.ts'
import { CONFIGS, EDGE, ORGANISATION, PORTS, WHOLE } from './values.ts'

const NAMESPACE = 'sotto'

/** Whoever else there is on the network of a cluster, and beyond. */
const OTHERS: readonly Party[] = [
  { name: 'dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ip: '10.96.0.10' },
  { name: 'prometheus', namespace: 'monitoring', labels: { app: 'prometheus' }, ip: '10.0.1.1' },
  { name: 'ingress', namespace: 'ingress-nginx', labels: { app: 'ingress' }, ip: '10.0.1.2' },
  { name: 'neighbour', namespace: NAMESPACE, labels: { app: 'other' }, ip: '10.0.1.3' },
  {
    name: 'other-release',
    namespace: NAMESPACE,
    labels: {
      'app.kubernetes.io/name': 'sotto',
      'app.kubernetes.io/instance': 'city',
      'app.kubernetes.io/component': 'relay',
    },
    ip: '10.0.1.4',
  },
  {
    name: 'same-labels-elsewhere',
    namespace: 'else',
    labels: {
      'app.kubernetes.io/name': 'sotto',
      'app.kubernetes.io/instance': 'town',
      'app.kubernetes.io/component': 'relay',
    },
    ip: '10.0.1.5',
  },
  { name: 'database', ip: '10.20.0.5' },
  { name: 'node', ip: '10.1.0.1' },
  { name: 'metadata', ip: '169.254.169.254' },
  { name: 'internet', ip: '203.0.113.7' },
  { name: 'internet6', ip: '2001:db8::7' },
]

const KNOWN_PORTS = [...new Set<number>([...Object.values(PORTS), 53, 80, 443, 5432, 6443, 8444, 8788])]

/** Every connection that is let through, as `from -> to:port`, but those between others. Each role has a second pod, as `ROLE-1`. */
async function matrixOf(values: object): Promise<string[]> {
  const objects = await render(values)
  const roles = podsOf(objects).flatMap(({ component, labels }, index): Party[] =>
    ['', '-1'].map((pod, n) => ({
      name: component + pod,
      namespace: NAMESPACE,
      labels,
      ip: `10.0.${8 * n}.${index + 1}`,
    })),
  )
  const mayTalk = createNetwork(objects, NAMESPACE)
  const parties = [...roles, ...OTHERS]
  const found: string[] = []
  for (const from of parties) {
    for (const to of parties) {
      if (from === to || (OTHERS.includes(from) && OTHERS.includes(to))) continue
      const open = KNOWN_PORTS.filter(
        (port) => mayTalk(from, to, port) || (port === 53 && mayTalk(from, to, port, 'UDP')),
      )
      for (const port of open) found.push(`${from.name} -> ${to.name}:${port}`)
    }
  }
  return [...new Set(found.map(shorten))].toSorted()
}

/** What a second pod may do is what the first may, unless it talks to its like. */
function shorten(line: string): string {
  const [from, to] = line.split(' -> ') as [string, string]
  const isAmongThemselves = from.replace('-1', '') === to.replace('-1', '').replace(/:.*/, '')
  return isAmongThemselves ? line : line.replaceAll('-1', '')
}

/** Resolving names is all that every role but the witness does. */
const dnsOf = (roles: readonly string[]): string[] => roles.map((role) => `${role} -> dns:53`)
const everybody = OTHERS.map(({ name }) => name)

describe.skipIf(isHelmMissing)('who may talk to whom', () => {
  it('is what the trust table says, and nothing more', async () => {
    const expected = [
      ...dnsOf(['log', 'kms', 'registry', 'relay', 'enclave', 'proxy', 'test']),
      'log -> witness:7002',
      'kms -> log:7001',
      'kms -> database:5432',
      'registry -> log:7001',
      'relay -> enclave:8700',
      'relay -> log:7001',
      'enclave -> kms:7000',
      'enclave -> log:7001',
      'enclave -> registry:7003',
      'proxy -> relay:8080',
      'test -> relay:8080',
      // The one way in, for everybody.
      ...everybody.map((name) => `${name} -> relay:8080`),
      // An organisation's users are in its cluster.
      ...OTHERS.filter(({ labels }) => labels !== undefined).map(({ name }) => `${name} -> proxy:8443`),
      'prometheus -> kms:9091',
      'prometheus -> enclave:9092',
      'prometheus -> proxy:9464',
    ]
    expect(await matrixOf(WHOLE)).toEqual(expected.toSorted())
  })

  it('lets a KMS that has peers ask the other KMS pods to hand over, whatever the number of replicas', async () => {
    for (const replicas of [1, 3]) {
      const config = encodeRoleConfig({
        ...CONFIGS.kms,
        expectGenesis: 'c'.repeat(64),
        peers: [0, 1, 2].map((index) => `http://town-kms-${index}.town-kms-pods:${PORTS.kms}`),
      })
      const before = await matrixOf({ ...WHOLE, kms: { ...WHOLE.kms, replicas } })
      const after = await matrixOf({ ...WHOLE, kms: { ...WHOLE.kms, replicas, config } })
      expect(after.filter((line) => !before.includes(line))).toEqual([
        `kms -> kms-1:${PORTS.kms}`,
        `kms-1 -> kms:${PORTS.kms}`,
      ])
      expect(before.filter((line) => !after.includes(line))).toEqual([])
    }
  })

  it('narrows to whom an operator names, and its own clients stay', async () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }]
    const values = {
      ...WHOLE,
      relay: { ...WHOLE.relay, networkPolicy: { from } },
      proxy: { ...WHOLE.proxy, networkPolicy: { from } },
    }
    const matrix = await matrixOf(values)
    const reaching = (end: string): string[] =>
      matrix.filter((line) => line.endsWith(end)).map((line) => line.split(' ')[0]!)
    expect(reaching('-> relay:8080')).toEqual(['ingress', 'proxy', 'test'])
    expect(reaching('-> proxy:8443')).toEqual(['ingress'])
  })

  it('lets a log ask witnesses elsewhere, at their ports and outside of the cluster only', async () => {
    expect((await matrixOf(EDGE)).filter((line) => line.startsWith('log '))).toEqual([
      'log -> dns:53',
      'log -> internet6:443',
      'log -> internet6:8443',
      'log -> internet:443',
      'log -> internet:8443',
    ])
  })

  it('lets an organisation’s proxy out to its relay, and nobody else', async () => {
    expect((await matrixOf(ORGANISATION)).filter((line) => line.startsWith('proxy '))).toEqual([
      'proxy -> dns:53',
      'proxy -> internet6:443',
      'proxy -> internet:443',
    ])
  })

  it('is open to everybody without network policies', async () => {
    const matrix = await matrixOf({ ...WHOLE, networkPolicy: { enabled: false } })
    expect(matrix).toContain('internet -> enclave:8700')
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isHelmMissing, type Ran, template } from './tools.ts'
import { EDGE, SMALL } from './values.ts'

const TDX = { 'feature.node.kubernetes.io/cpu-security.tdx.enabled': 'true' }

/** What a cluster says of itself, as far as the chart asks. */
interface Cluster {
  nodes: Record<string, string>[] | 'forbidden'
  runtimes: string[]
}

/** Kinds that a cluster knows, by version of their API. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  v1: ['Node', 'ConfigMap', 'Service', 'ServiceAccount', 'Pod'],
  'apps/v1': ['Deployment', 'StatefulSet'],
  'networking.k8s.io/v1': ['NetworkPolicy', 'Ingress'],
  'node.k8s.io/v1': ['RuntimeClass'],
  'policy/v1': ['PodDisruptionBudget'],
}
const pluralOf = (kind: string): string => kind.toLowerCase().replace(/y$/, 'ie').replace(/s$/, 'se') + 's'

/** Renders with a cluster to ask: as much of the API of Kubernetes as that takes. */
async function templateIn({ nodes, runtimes }: Cluster, values: object): Promise<Ran> {
  const list = (kind: string, apiVersion: string, items: object[]): object => ({
    kind: `${kind}List`,
    apiVersion,
    metadata: {},
    items,
  })
  const resource = (name: string, kind: string): object => ({
    name,
    singularName: '',
    namespaced: !['Node', 'RuntimeClass'].includes(kind),
    kind,
    verbs: ['get', 'list'],
  })
  const node = (labels: Record<string, string>, index: number): object => ({
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name: `node-${index}`, labels },
  })
  const group = (name: string, version: string): object => ({
    name,
    versions: [{ groupVersion: `${name}/${version}`, version }],
  })
  const answers: Record<string, object> = {
    '/version': { major: '1', minor: '34', gitVersion: 'v1.34.0' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': {
      kind: 'APIGroupList',
      groups: Object.keys(KINDS).flatMap((path) => (path === 'v1' ? [] : [group(path.split('/')[0]!, 'v1')])),
    },
    ...Object.fromEntries(
      Object.entries(KINDS).map(([path, kinds]) => [
        path === 'v1' ? '/api/v1' : `/apis/${path}`,
        {
          kind: 'APIResourceList',
          groupVersion: path,
          resources: kinds.map((kind) => resource(pluralOf(kind), kind)),
        },
      ]),
    ),
    ...(nodes !== 'forbidden' && { '/api/v1/nodes': list('Node', 'v1', nodes.map(node)) }),
    ...Object.fromEntries(
      runtimes.map((name) => [
        `/apis/node.k8s.io/v1/runtimeclasses/${name}`,
        { kind: 'RuntimeClass', apiVersion: 'node.k8s.io/v1', metadata: { name }, handler: name },
      ]),
    ),
  }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://cluster')
    const answer = answers[pathname]
    const code = pathname === '/api/v1/nodes' ? 403 : 404
    const failure = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: code === 403 ? 'Forbidden' : 'NotFound',
      code,
      message: 'nodes is forbidden',
    }
    response
      .writeHead(answer ? 200 : code, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer ?? failure))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = mkdtempSync(join(tmpdir(), 'sotto-cluster-'))
  onTestFinished(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: url } }],
    users: [{ name: 'u', user: {} }],
  }
  writeFileSync(join(folder, 'config'), JSON.stringify(config))
  return template(values, {
    words: ['--dry-run=server', '--disable-openapi-validation'],
    env: { KUBECONFIG: join(folder, 'config'), HOME: folder },
  })
}

describe.skipIf(isHelmMissing)('a cluster that is asked for confidential nodes', () => {
  const runtimes = ['kata-qemu-tdx']

  it('renders where it has some', async () => {
    const { code, stderr } = await templateIn({ nodes: [{}, TDX], runtimes }, SMALL)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('is told by name what it lacks where it has none', async () => {
    const { code, stderr } = await templateIn(
      { nodes: [{ 'kubernetes.io/os': 'linux' }, {}], runtimes },
      SMALL,
    )
    expect(code).not.toBe(0)
    expect(stderr).toContain('no node of this cluster is confidential: tee.type is tdx')
    expect(stderr).toContain(
      'expected a node labelled {"feature.node.kubernetes.io/cpu-security.tdx.enabled":"true"}, found 2 nodes without',
    )
  })

  it('is told where it has nodes, and no runtime for them', async () => {
    const { stderr } = await templateIn({ nodes: [TDX], runtimes: [] }, SMALL)
    expect(stderr).toContain('kms: this cluster has no RuntimeClass kata-qemu-tdx')
  })

  it('is not asked by who says so, nor for what is not measured', async () => {
    expect(
      (
        await templateIn(
          { nodes: [{}], runtimes: [] },
          { ...SMALL, tee: { ...SMALL.tee, checkNodes: false } },
        )
      ).stderr,
    ).toBe('')
    expect((await templateIn({ nodes: [{}], runtimes: [] }, EDGE)).stderr).toBe('')
  })

  it('ends with its own refusal where nodes may not be listed', async () => {
    const { code, stderr } = await templateIn({ nodes: 'forbidden', runtimes }, SMALL)
    expect(code).not.toBe(0)
    expect(stderr).toContain('nodes is forbidden')
  })

  it('is not there at all where nothing is installed: then nobody is asked', async () => {
    expect((await template(SMALL)).code).toBe(0)
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { KUBERNETES, problems } from './schemas.ts'
import { CHART, isHelmMissing, notes, podsOf, render, run, TOOLS } from './tools.ts'
import { SETS, WHOLE } from './values.ts'

const HELMS = ['helm3', 'helm4'] as const

describe.skipIf(isHelmMissing)('the chart', () => {
  it.each(HELMS)('is clean for the linter of %s', async (helm) => {
    const { code, stdout } = await run(join(TOOLS!, helm), ['lint', CHART, '--strict', '--quiet'])
    expect({ code, stdout: stdout.trim() }).toEqual({ code: 0, stdout: '' })
  })

  it.each(Object.keys(SETS))('renders %s into objects that every Kubernetes takes', async (name) => {
    const objects = await render(SETS[name]!)
    for (const version of KUBERNETES) expect(await problems(objects, version), version).toEqual([])
    // And is the same to both.
    expect(await render(SETS[name]!, { helm: 'helm3' })).toEqual(objects)
  })

  it('says of every value what it may be, and what it is by default', () => {
    const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as {
      properties: Record<string, { properties?: object }>
    }
    const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Record<string, object>
    // Of parent charts, and nothing of ours.
    const { global: _, ...properties } = schema.properties
    expect(Object.keys(values).toSorted()).toEqual(Object.keys(properties).toSorted())
    for (const [name, { properties: members }] of Object.entries(properties)) {
      if (members === undefined) continue
      expect(Object.keys(values[name]!).toSorted(), name).toEqual(Object.keys(members).toSorted())
    }
  })

  it('would not pass with a member that Kubernetes does not know', async () => {
    const [object] = (await render(WHOLE)).filter(({ kind }) => kind === 'Deployment')
    const wrong = { ...object!, spec: { ...(object!.spec as object), replica: 2 } }
    for (const version of KUBERNETES)
      expect((await problems([wrong], version)).join(), version).toContain("'replica' was unexpected")
  })

  it('takes the values that its page shows', async () => {
    const page = readFileSync(join(CHART, '../../docs/kubernetes.md'), 'utf8')
    const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(
      ([, text]) => parse(text!) as Record<string, object>,
    )
    const [whole, scaling, adapter, organisation] = blocks
    expect(adapter).toHaveProperty('rules')
    const names = ['log', 'kms', 'registry', 'relay', 'enclave'] as const
    const files = Object.fromEntries(names.map((name) => [`${name}.config`, WHOLE[name].config]))
    const scaled = { ...whole!, ...scaling!, enclave: { ...whole!['enclave']!, ...scaling!['enclave']! } }
    for (const values of [whole!, scaled]) {
      const objects = await render(values, { files: { ...files, policy: WHOLE.policy } })
      expect(
        podsOf(objects)
          .map(({ component }) => component)
          .toSorted(),
      ).toEqual([...names, 'test'].toSorted())
      for (const version of KUBERNETES) expect(await problems(objects, version)).toEqual([])
    }
    expect(await render(organisation!, { files: { policy: WHOLE.policy } })).not.toEqual([])
  })

  it('deploys nothing by default', async () => {
    const objects = await render({})
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'NetworkPolicy town-default-deny',
    ])
  })

  it('names things as measured configurations do: by release and component', async () => {
    const objects = await render(WHOLE)
    const services = objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name)
    expect(services.toSorted()).toEqual([
      'town-enclave',
      'town-enclave-metrics',
      'town-kms',
      'town-kms-metrics',
      'town-kms-pods',
      'town-log',
      'town-proxy',
      'town-proxy-metrics',
      'town-registry',
      'town-relay',
      'town-witness',
    ])
    expect(objects.every(({ metadata }) => metadata.namespace === 'sotto')).toBe(true)
    const renamed = await render({ ...WHOLE, fullnameOverride: 'city' })
    expect(renamed.filter(({ metadata }) => !metadata.name.startsWith('city-'))).toEqual([])
  })

  it('keeps state in volumes, and replaces the rest one by one, the new one first', async () => {
    const objects = await render(WHOLE)
    const kinds = Object.groupBy(objects, ({ kind }) => kind)
    expect(kinds['StatefulSet']!.map(({ metadata }) => metadata.name).toSorted()).toEqual([
      'town-kms',
      'town-log',
      'town-registry',
      'town-witness',
    ])
    for (const { spec, metadata } of kinds['StatefulSet']!)
      expect(spec, metadata.name).toMatchObject({ volumeClaimTemplates: [{ metadata: { name: 'state' } }] })
    expect(kinds['Deployment']!.map(({ metadata }) => metadata.name).toSorted()).toEqual([
      'town-enclave',
      'town-proxy',
      'town-relay',
    ])
    for (const { spec } of kinds['Deployment']!)
      expect(spec).toMatchObject({
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      })
    const kms = kinds['StatefulSet']!.find(({ metadata }) => metadata.name === 'town-kms')!
    expect(kms.spec).toMatchObject({
      replicas: 3,
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
    })
  })

  it('keeps nothing of a KMS in a volume that keeps all in its database', async () => {
    const config = JSON.stringify({ ...(JSON.parse(WHOLE.kms.config) as object), root: undefined })
    const objects = await render({ ...WHOLE, kms: { ...WHOLE.kms, config } })
    const kms = objects.find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'town-kms')!
    expect(kms.spec).not.toHaveProperty('volumeClaimTemplates')
  })

  it('gives every role the time that it needs to end, and its neighbours the time to hear of it', async () => {
    const pods = podsOf(await render(WHOLE))
    const seconds = Object.fromEntries(
      pods.map(({ component, spec }) => [component, spec.terminationGracePeriodSeconds]),
    )
    // enclave: 5 until nobody sends more, 3 of notice, 45 as configured, 15 for the rest, 5 to spare.
    expect(seconds).toEqual({
      log: 20,
      witness: 20,
      registry: 20,
      kms: 20,
      relay: 25,
      enclave: 73,
      proxy: 45,
      test: undefined,
    })
  })

  it('probes what says whether a role is alive apart from what says whether it is ready', async () => {
    for (const { component, spec } of podsOf(await render(WHOLE))) {
      if (component === 'test') continue
      const port = component === 'proxy' ? 'metrics' : 'http'
      expect(spec.containers[0], component).toMatchObject({
        livenessProbe: { httpGet: { path: '/livez', port } },
        startupProbe: { httpGet: { path: '/livez', port } },
        readinessProbe: { httpGet: { path: '/readyz', port } },
      })
    }
  })

  it('scales enclaves by how many requests wait', async () => {
    const [scaler] = (await render(WHOLE)).filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
    expect(scaler!.spec).toMatchObject({
      scaleTargetRef: { kind: 'Deployment', name: 'town-enclave' },
      metrics: [
        {
          type: 'Pods',
          pods: {
            metric: { name: 'sotto_requests_waiting' },
            target: { type: 'AverageValue', averageValue: '4' },
          },
        },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 900 } },
    })
    const [enclave] = (await render(WHOLE)).filter(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'town-enclave',
    )
    expect(enclave!.spec).not.toHaveProperty('replicas')
  })

  it('lets nobody evict the KMS that serves, and anybody that stands by', async () => {
    const budgets = (await render(WHOLE)).filter(({ kind }) => kind === 'PodDisruptionBudget')
    const named = Object.fromEntries(
      budgets.map(({ metadata, spec }) => [metadata.name, spec as Record<string, unknown>]),
    )
    expect(named['town-kms']).toMatchObject({ minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
    for (const name of ['town-relay', 'town-enclave', 'town-proxy'])
      expect(named[name]).toMatchObject({ maxUnavailable: 1 })
  })

  it('has a test that verifies first and asks then', async () => {
    const pod = podsOf(await render(WHOLE)).find(({ component }) => component === 'test')!
    expect(pod.spec.initContainers!.map(({ name }) => name)).toEqual(['relay', 'verify'])
    expect(pod.spec.initContainers![1]!.args).toEqual([
      'verify',
      'http://127.0.0.1:8788',
      '--gateway',
      'inference',
      '--policy',
      '/etc/sotto/policy.json',
    ])
    expect(pod.spec.containers.map(({ args }) => args)).toEqual([
      [
        'chat',
        '--host',
        'http://127.0.0.1:8788',
        '--gateway',
        'inference',
        '--policy',
        '/etc/sotto/policy.json',
        '--message',
        'Who can read my words?',
      ],
    ])
    expect(
      podsOf(await render({ ...WHOLE, policy: undefined, proxy: undefined })).map(
        ({ component }) => component,
      ),
    ).not.toContain('test')
  })

  it('says how to verify what it deployed', async () => {
    const whole = await notes(WHOLE)
    expect(whole).toContain('sotto verify https://relay.example --policy policy.json')
    expect(whole).toContain('helm test town --namespace sotto --logs')
    expect(whole).toContain(
      'kubectl get nodes --selector feature.node.kubernetes.io/cpu-security.sev.snp.enabled=true',
    )
    expect(whole).not.toContain('WARNING')
    expect(await notes({})).toContain('Nothing is enabled yet')
    expect(await notes({ ...SETS['azure'], networkPolicy: { enabled: false } })).toMatch(
      /WARNING: networkPolicy[^]*WARNING: no runtimeClassName/,
    )
  })
})

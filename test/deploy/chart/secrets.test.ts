import { describe, expect, it } from 'vitest'
import { type Container, isHelmMissing, type KubernetesObject, podsOf, refusal, render } from './tools.ts'
import { SETS, WHOLE } from './values.ts'

/** Where a value from a Secret gets into a pod, as `component path`. */
function references(objects: readonly KubernetesObject[]): string[] {
  return podsOf(objects).flatMap(({ component, spec }) => {
    const containers = [...(spec.initContainers ?? []), ...spec.containers]
    const env = containers.flatMap(({ env: variables = [] }) =>
      variables.flatMap(({ name, valueFrom }) => {
        const reference = valueFrom?.['secretKeyRef'] as { name: string; key: string } | undefined
        return reference === undefined ? [] : [`${component} $${name} = ${reference.name}/${reference.key}`]
      }),
    )
    const volumes = spec.volumes.flatMap(({ name, secret }) => {
      const { secretName, defaultMode } = (secret ?? {}) as { secretName?: string; defaultMode?: number }
      return secretName === undefined
        ? []
        : [`${component} ${String(name)}/ = ${secretName} ${defaultMode!.toString(8)}`]
    })
    return [...env, ...volumes]
  })
}

describe.skipIf(isHelmMissing)('secrets', () => {
  it.each(Object.keys(SETS))('are never made by the chart: %s', async (name) => {
    const objects = await render(SETS[name]!)
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([])
  })

  it('come from Secrets that exist, each to whom it is for', async () => {
    expect(references(await render(WHOLE)).toSorted()).toEqual([
      'kms $SOTTO_KMS_DATABASE_URL = database/url',
      'kms $SOTTO_LOG_APPEND_TOKEN = append-token/token',
      'log $SOTTO_LOG_APPEND_TOKEN = append-token/token',
      'log key/ = log-key 440',
      'proxy client-ca/ = proxy-ca 440',
      'proxy tls/ = proxy-tls 440',
      'proxy users/ = proxy-users 440',
      'registry $SOTTO_LOG_APPEND_TOKEN = append-token/token',
      'witness key/ = witness-key 440',
    ])
  })

  it('reach an enclave only where it logs receipts', async () => {
    const config = JSON.parse(WHOLE.enclave.config) as { dataUse: object }
    const logging = { ...config, dataUse: { ...config.dataUse, receiptLogSeconds: 900 } }
    const values = { ...WHOLE, enclave: { ...WHOLE.enclave, config: JSON.stringify(logging) } }
    expect(references(await render(values))).toContain('enclave $SOTTO_LOG_APPEND_TOKEN = append-token/token')
  })

  it.each<[string, object]>([
    ['beside the name of a Secret', { secrets: { appendToken: { existingSecret: 'a', value: 'Zm9v' } } }],
    ['in place of one', { secrets: { appendToken: 'c3VwZXItc2VjcmV0' } }],
    [
      'as a name that is none',
      { secrets: { appendToken: { existingSecret: 'S3cr3t_token+with/base64==' } } },
    ],
    [
      'in a variable of that kind',
      { relay: { ...WHOLE.relay, extraEnv: [{ name: 'SOTTO_LOG_APPEND_TOKEN', value: 'x'.repeat(43) }] } },
    ],
    [
      'in a variable called otherwise',
      {
        relay: {
          ...WHOLE.relay,
          extraEnv: [{ name: 'WHERE', value: 'postgresql://sotto:hunter2@db/sotto' }],
        },
      },
    ],
    [
      'in a configuration',
      { relay: { ...WHOLE.relay, config: '{"listen":{},"note":"PRIVATE+KEY+log+00000000+AA=="}' } },
    ],
    [
      'in the address of a database',
      { kms: { ...WHOLE.kms, config: '{"listen":{},"store":"postgresql://db/sotto"}' } },
    ],
    ['in words of the proxy', { proxy: { ...WHOLE.proxy, extraArgs: ['--api-key=hunter2'] } }],
    ['in the address of a relay', { proxy: { ...WHOLE.proxy, relay: 'https://me:pw@relay.example' } }],
  ])('are refused in values: %s', async (_where, values) => {
    const said = await refusal({ ...WHOLE, ...values })
    expect(said).toMatch(/don't meet the specifications of the schema/)
    // What is refused as a secret is named by its place alone.
    expect(said).not.toContain('hunter2')
  })
})

describe.skipIf(isHelmMissing)('a pod', () => {
  it('gets nothing that it does not need', async () => {
    for (const { component, spec } of podsOf(await render(WHOLE))) {
      expect(spec, component).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
      })
      expect(JSON.stringify(spec), component).not.toMatch(
        /"(hostNetwork|hostPID|hostIPC|privileged|shareProcessNamespace)"/,
      )
      for (const container of [...(spec.initContainers ?? []), ...spec.containers])
        checkContainer(component, container)
      if (['kms', 'enclave'].includes(component)) continue
      expect(spec.securityContext, component).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      expect(
        spec.volumes.filter((volume) => 'hostPath' in volume),
        component,
      ).toEqual([])
    }
  })
})

function checkContainer(component: string, { securityContext, image, name }: Container): void {
  const which = `${component}/${name}`
  expect(image, which).toMatch(/@sha256:[0-9a-f]{64}$/)
  expect(securityContext, which).toMatchObject({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: component === 'enclave',
  })
  const { drop, add = [] } = securityContext.capabilities
  expect(drop, which).toEqual(['ALL'])
  expect(add.length > 0, which).toBe(component === 'enclave')
}

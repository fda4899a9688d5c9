import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeKmsConfig } from '../../../packages/kms/src/config/index.ts'
import { inferenceConfig } from '../../../packages/enclave/src/roles/config.ts'
import { logConfig } from '../../../packages/edge/src/log/config.ts'
import { registryConfig } from '../../../packages/edge/src/registry/config.ts'
import { relayConfig } from '../../../packages/edge/src/relay/config.ts'
import { witnessConfig } from '../../../packages/edge/src/witness/config.ts'
import {
  find,
  isHelmMissing,
  podsOf,
  refusal,
  render,
  type RenderedPod,
  type RenderOptions,
} from './tools.ts'
import { AZURE, CONFIGS, EDGE, SMALL, WHOLE } from './values.ts'

const MEASURED = ['kms', 'enclave']
const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex')

/** The bytes that lie in a pod, and what its annotation says of them. */
async function bytesOf(
  name: string,
  values: object,
  options?: RenderOptions,
): Promise<{ bytes: Buffer; annotated: unknown }> {
  const objects = await render(values, options)
  const { binaryData } = find(objects, 'ConfigMap', `town-${name}`) as unknown as {
    binaryData: Record<string, string>
  }
  const kind = ['relay', 'enclave', 'proxy'].includes(name) ? 'Deployment' : 'StatefulSet'
  const { template } = find(objects, kind, `town-${name}`).spec as {
    template: { metadata: { annotations: Record<string, string> } }
  }
  return {
    bytes: Buffer.from(binaryData['config.json']!, 'base64'),
    annotated: template.metadata.annotations['checksum/config'],
  }
}

const measuredOf = (pods: readonly RenderedPod[]): RenderedPod[] =>
  pods.filter(({ component }) => MEASURED.includes(component))

describe.skipIf(isHelmMissing)('what is measured', () => {
  it('is a configuration that its role takes', () => {
    const text = (name: keyof typeof CONFIGS): unknown => JSON.parse(WHOLE[name].config)
    expect(logConfig(text('log'), 'config').store).toBe('/var/lib/sotto/log')
    expect(witnessConfig(text('witness'), 'config').store).toBe('/var/lib/sotto/witness')
    expect(registryConfig(text('registry'), 'config').owners).toBe('/etc/sotto-owners/owners.json')
    expect(relayConfig(text('relay'), 'config').gateways).toEqual({ inference: 'http://town-enclave:8700' })
    expect(decodeKmsConfig(text('kms'), 'config').listen).toEqual({ host: '0.0.0.0', port: 7000 })
    expect(inferenceConfig(text('enclave'), 'config').drainSeconds).toBe(45)
  })

  it('reaches the pod byte for byte', async () => {
    for (const name of ['log', 'witness', 'kms', 'registry', 'relay', 'enclave'] as const) {
      const { config } = WHOLE[name]
      expect(await bytesOf(name, WHOLE)).toEqual({ bytes: Buffer.from(config), annotated: sha256(config) })
    }
  })

  it('reaches it byte for byte whatever characters there are', async () => {
    const sample = [
      '\u0000\u0007\u007f\u0085\u0090\ufeff\uffff\u2028\u{1f510}',
      '{{ .Release.Name }}',
      '<&>"\'\\',
      '\r\n\t: - #',
    ]
    const texts = [...sample, ...fc.sample(fc.string({ unit: 'binary' }), { numRuns: 6, seed: 1 })]
    for (const text of texts) {
      // Spaces, ends of lines and the order of members are bytes as well.
      const config = `${JSON.stringify({ zebra: text, ...CONFIGS.relay }, null, '\t').replaceAll('\n', '\r\n')}\n\n`
      const { relay, policy: _, proxy: __, ...rest } = WHOLE
      const values = { ...rest, relay: { ...relay, config: undefined } }
      const given = await bytesOf('relay', values, { files: { 'relay.config': config } })
      expect(given).toEqual({ bytes: Buffer.from(config), annotated: sha256(config) })
    }
  })

  it('is refused where a values file lost a byte of it', async () => {
    // A line separator is the end of a line to the YAML of Go, and spaces around one are none.
    const config = JSON.stringify({ ...CONFIGS.relay, note: 'one \u2028 two' })
    const relay = { ...EDGE.relay, config, configSha256: sha256(config) }
    expect(await render({ ...EDGE, relay })).not.toEqual([])
    const said = await refusal({ ...EDGE, relay }, { isRaw: true })
    expect(said).toMatch(
      /relay\.config: expected the bytes with SHA-256 [0-9a-f]{64}, found others: [0-9a-f]{64}/,
    )
    expect(await refusal({ ...EDGE, relay: { ...EDGE.relay, configSha256: 'a'.repeat(64) } })).toContain(
      'relay.config: expected',
    )
  })

  it.each([
    ['whole', WHOLE, 'kata-qemu-snp', 'feature.node.kubernetes.io/cpu-security.sev.snp.enabled'],
    ['small', SMALL, 'kata-qemu-tdx', 'feature.node.kubernetes.io/cpu-security.tdx.enabled'],
  ])(
    'runs with the runtime and on the nodes that were asked for: %s',
    async (_name, values, runtime, label) => {
      const pods = podsOf(await render(values))
      expect(measuredOf(pods)).toHaveLength(2)
      for (const { spec, component } of measuredOf(pods)) {
        expect(spec.runtimeClassName, component).toBe(runtime)
        expect(spec.nodeSelector, component).toEqual({ [label]: 'true' })
        expect(spec.tolerations, component).toEqual([{ key: label, operator: 'Exists' }])
      }
      for (const { spec, component } of pods.filter((pod) => !MEASURED.includes(pod.component))) {
        expect(spec.runtimeClassName, component).toBeUndefined()
        expect(spec.nodeSelector, component).toBeUndefined()
      }
    },
  )

  it.each([
    ['sgx', { 'feature.node.kubernetes.io/cpu-security.sgx.enabled': 'true' }],
    ['nitro', { 'aws-nitro-enclaves-k8s-dp': 'enabled' }],
    ['azure-cvm', { 'kubernetes.azure.com/security-type': 'ConfidentialVM' }],
  ])('chooses nodes for %s, and those that an operator names instead', async (type, labels) => {
    const { enclave: _, ...kmsOnly } = AZURE
    const [plain] = measuredOf(podsOf(await render({ ...kmsOnly, tee: { type } })))
    expect(plain!.spec.nodeSelector).toEqual(labels)
    const own = { type, nodeSelector: { pool: 'secret' }, tolerations: [{ key: 'pool', operator: 'Exists' }] }
    const [named] = measuredOf(podsOf(await render({ ...kmsOnly, tee: own })))
    expect(named!.spec.nodeSelector).toEqual({ pool: 'secret' })
    expect(named!.spec.tolerations).toEqual(own.tolerations)
    const [anywhere] = measuredOf(podsOf(await render({ ...kmsOnly, tee: { type, selectNodes: false } })))
    expect(anywhere!.spec.nodeSelector).toBeUndefined()
  })

  it('adds what a component asks of nodes to what its hardware asks', async () => {
    const enclave = podsOf(await render(AZURE)).find(({ component }) => component === 'enclave')!
    expect(enclave.spec.nodeSelector).toEqual({
      'kubernetes.azure.com/security-type': 'ConfidentialVM',
      size: 'DC8as_v5',
    })
  })

  it('is the configuration in the image, where evidence has no field for another', async () => {
    const objects = await render(AZURE)
    for (const { spec, component } of measuredOf(podsOf(objects))) {
      const [container] = spec.containers
      expect(container!.args.at(-1), component).toBe(
        `/opt/sotto/${component === 'kms' ? 'kms' : 'inference'}/config.json`,
      )
      expect(
        container!.volumeMounts!.map(({ mountPath }) => mountPath),
        component,
      ).not.toContain('/etc/sotto')
    }
    expect(objects.filter(({ kind }) => kind === 'ConfigMap')).toEqual([])
  })
})

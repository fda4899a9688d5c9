import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AciInput, readImageFacts, renderAci, verifyAci } from '../../../src/deploy/aci/index.ts'
import { buildImage, type OciImage } from '../../../src/oci/index.ts'
import { temporary } from '../../oci/support/sample.ts'

let root: string
beforeAll(() => {
  root = temporary()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** An image with a configuration, and by which reference it is deployed. */
async function build(name: string, configuration: string): Promise<{ image: OciImage; reference: string }> {
  const image = await buildImage({
    out: join(root, name),
    architecture: 'amd64',
    layers: [
      [{ to: '/opt/sotto/kms/role.js', bytes: Buffer.from('role') }],
      [{ to: '/opt/sotto/kms/config.json', bytes: Buffer.from(configuration) }],
    ],
    config: {
      Entrypoint: ['/opt/sotto/kms/bin/node'],
      Cmd: ['role.js'],
      Env: ['A=b'],
      WorkingDir: '/opt/sotto/kms',
    },
  })
  return { image, reference: `example.azurecr.io/kms@${image.descriptor.digest}` }
}

it('a template is rendered and verified from nothing but images: another configuration is another HOST_DATA', async () => {
  const group = async (
    name: string,
    configuration: string,
  ): Promise<{ input: AciInput; images: Map<string, Awaited<ReturnType<typeof readImageFacts>>> }> => {
    const { image, reference } = await build(name, configuration)
    const facts = await readImageFacts(reference, image)
    const container = { ...facts, name: 'kms', image: reference, ports: [8080], cpu: 1, memoryGiB: 2 }
    return {
      input: { name: 'kms', region: 'westeurope', containers: [container] },
      images: new Map([[reference, facts]]),
    }
  }
  const [one, other] = [await group('one', '{}'), await group('other', '{"a":1}')]
  const rendered = renderAci(one.input)
  expect(verifyAci(rendered.template, { images: one.images })).toEqual({
    hostData: rendered.hostData,
    differences: [],
  })
  expect(renderAci(other.input).hostData).not.toBe(rendered.hostData)
  expect(one.input.containers[0]!.layers[0]).toBe(other.input.containers[0]!.layers[0])
  expect(one.input.containers[0]!.layers[1]).not.toBe(other.input.containers[0]!.layers[1])
})

it('facts of an image are those of no other reference', async () => {
  const { image } = await build('one', '{}')
  await expect(readImageFacts(`a.io/kms@sha256:${'0'.repeat(64)}`, image)).rejects.toMatchObject({
    code: 'DEPLOY_DIFFERS',
  })
})

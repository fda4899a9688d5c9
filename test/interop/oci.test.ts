import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  buildImage,
  type OciImage,
  parseReference,
  pullImage,
  pushImage,
  readLayout,
} from '../../packages/cli/src/oci/index.ts'
import { temporary, writeFiles, writeSampleLayout } from '../../packages/cli/test/oci/support/sample.ts'

/** `go build` of test/interop/aci-peer, which has go-containerregistry in it. */
const PEER = process.env['SOTTO_ACI_PEER']
if (PEER === undefined)
  process.stderr.write(
    'skipped: SOTTO_ACI_PEER names no build of test/interop/aci-peer: images are proven by our own tests only\n',
  )

describe.skipIf(PEER === undefined)('images, as go-containerregistry reads and serves them', () => {
  let root: string
  let image: OciImage
  beforeAll(async () => {
    root = temporary()
    const base = await readLayout(writeSampleLayout(join(root, 'base')))
    const from = writeFiles(join(root, 'from'), { 'bin/node': 'node'.repeat(100_000), 'role.js': 'role' })
    image = await buildImage({
      out: join(root, 'image'),
      base,
      architecture: 'amd64',
      layers: [[{ to: '/opt/sotto/kms', from }]],
      config: { Entrypoint: ['/opt/sotto/kms/bin/node'], User: '65532:65532' },
    })
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  it('a layout is whole', () => {
    const { stdout, stderr } = spawnSync(PEER!, ['image', join(root, 'image')], { encoding: 'utf8' })
    expect({ stdout, stderr }).toEqual({ stdout: `${image.descriptor.digest}\n`, stderr: '' })
  })

  it('an image comes back from a registry as it was pushed', async () => {
    const peer = spawn(PEER!, ['registry'], { stdio: ['pipe', 'pipe', 'ignore'] })
    try {
      const [address] = (await once(peer.stdout, 'data')) as [Buffer]
      const name = `${address.toString().trim()}/team/app`
      const common = { fetch: globalThis.fetch, signal: AbortSignal.timeout(20_000) }
      const digest = await pushImage({ ...common, image, reference: parseReference(name), tag: 'v1' })
      const reference = parseReference(`${name}@${digest}`)
      const folder = join(root, 'cache')
      const pulled = await pullImage({ ...common, reference, architecture: 'amd64', folder })
      expect(pulled.manifest).toEqual(image.manifest)
      await expect(
        pullImage({ ...common, reference: parseReference(`${name}:v1`), architecture: 'amd64', folder }),
      ).rejects.toMatchObject({ code: 'IMAGE_REFERENCE', hint: `at this moment it is ${name}@${digest}` })
    } finally {
      peer.kill()
    }
  })
})

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OciImage, parseReference, pullImage, pushImage, readLayout } from '../../../src/oci/index.ts'
import { type RegistryBehaviour, startRegistry, type TestRegistry, USER } from '../support/registry-server.ts'
import { temporary, writeSampleLayout } from '../support/sample.ts'

let root: string
let registry: TestRegistry
let image: OciImage
beforeEach(async () => {
  root = temporary()
  image = await readLayout(writeSampleLayout(join(root, 'layout')))
})
afterEach(async () => {
  await registry?.close()
  rmSync(root, { recursive: true, force: true })
})

const common = (): {
  reference: ReturnType<typeof parseReference>
  fetch: typeof fetch
  signal: AbortSignal
} => ({
  reference: parseReference(`${registry.host}/team/app`),
  fetch: globalThis.fetch,
  signal: AbortSignal.timeout(20_000),
})
const push = async (behaviour: RegistryBehaviour = {}, tag?: string): Promise<string> => {
  registry = await startRegistry(behaviour)
  return pushImage({ ...common(), image, tag, credentials: USER })
}

describe('an image that is pushed', () => {
  it.each([undefined, 'bearer', 'basic'] as const)(
    'can be pulled by the digest that comes back (%s)',
    async (auth) => {
      const digest = await push(auth ? { auth } : {}, 'v1')
      expect(digest).toBe(image.descriptor.digest)
      expect(registry.manifests.get('v1')?.bytes).toEqual(await image.blobs.read(image.descriptor))
      const pulled = await pullImage({
        ...common(),
        reference: parseReference(`${registry.host}/team/app@${digest}`),
        architecture: 'amd64',
        folder: join(root, 'cache'),
        credentials: USER,
      })
      expect(pulled.manifest).toEqual(image.manifest)
    },
  )

  it('uploads what is missing, and the manifest last', async () => {
    await push()
    registry.requests.length = 0
    await pushImage({ ...common(), image })
    expect(registry.requests.map((request) => request.split(' ')[0])).toEqual(['HEAD', 'HEAD', 'PUT'])
    expect(registry.requests.at(-1)).toContain('manifests')
  })

  it('is not uploaded where a blob of it is damaged', async () => {
    const path = image.blobs.path(image.manifest.layers[0]!.digest)
    const bytes = readFileSync(path)
    bytes[20]! ^= 1
    writeFileSync(path, bytes)
    await expect(push()).rejects.toMatchObject({ code: 'IMAGE_DIGEST' })
    expect(registry.manifests.size).toBe(0)
  })

  it('is refused where the registry says that it has other bytes, fails, or points elsewhere', async () => {
    const lying: RegistryBehaviour = {
      intercept(request, response) {
        if (request.method !== 'PUT') return false
        request
          .resume()
          .on('end', () => response.writeHead(201, { 'docker-content-digest': 'sha256:1' }).end())
        return true
      },
    }
    await expect(push(lying)).rejects.toMatchObject({ code: 'IMAGE_DIGEST', found: 'sha256:1' })
    await registry.close()
    const elsewhere: RegistryBehaviour = {
      intercept(request, response) {
        if (request.method !== 'POST') return false
        response.writeHead(202, { location: 'http://example.com/upload' }).end()
        return true
      },
    }
    await expect(push(elsewhere)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      found: 'http://example.com',
    })
  })
})

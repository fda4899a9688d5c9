import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { INDEX, MANIFEST } from '@sotto/protocol/oci'
import {
  type OciImage,
  parseReference,
  pullImage,
  type PullImageOptions,
  readDockerCredentials,
} from '../../../src/oci/index.ts'
import {
  digestOf,
  type RegistryBehaviour,
  startRegistry,
  type TestRegistry,
  USER,
} from '../support/registry-server.ts'
import { type SampleImage, sampleImage, sampleIndex, temporary } from '../support/sample.ts'

let root: string
let registry: TestRegistry
beforeEach(() => {
  root = temporary()
})
afterEach(async () => {
  await registry?.close()
  rmSync(root, { recursive: true, force: true })
})

async function serve(
  behaviour: RegistryBehaviour = {},
  image: SampleImage = sampleImage(),
): Promise<SampleImage> {
  registry = await startRegistry(behaviour)
  for (const [digest, bytes] of image.blobs) registry.blobs.set(digest, bytes)
  const manifest = { type: MANIFEST, bytes: image.manifest }
  registry.manifests.set(image.digest, manifest).set('latest', manifest)
  return image
}

const pull = (name: string, more: Partial<PullImageOptions> = {}): Promise<OciImage> =>
  pullImage({
    reference: parseReference(`${registry.host}/team/app${name}`),
    architecture: 'amd64',
    folder: join(root, 'cache'),
    fetch: globalThis.fetch,
    signal: AbortSignal.timeout(20_000),
    stallMs: 500,
    pauseMs: 1,
    ...more,
  })
/** Names in the folder of blobs. */
const kept = (): string[] => readdirSync(join(root, 'cache/blobs/sha256')).sort()

describe('an image that is pulled by its digest', () => {
  it('comes with configuration and layers, and not twice', async () => {
    const sample = await serve()
    const image = await pull(`@${sample.digest}`)
    expect(image.descriptor.digest).toBe(sample.digest)
    expect(kept()).toEqual([...sample.blobs.keys()].map((digest) => digest.slice(7)).sort())
    registry.requests.length = 0
    await pull(`@${sample.digest}`)
    expect(registry.requests).toEqual([`GET /v2/team/app/manifests/${sample.digest}`])
  })

  it('is the one for Linux and the architecture where the digest is that of an index', async () => {
    const [amd64, arm64] = [await serve(), sampleImage('arm64', 'other')]
    const index = sampleIndex([
      { image: arm64, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { image: amd64, platform: { os: 'linux', architecture: 'amd64' } },
      { image: amd64, platform: { os: 'unknown', architecture: 'unknown' } },
    ])
    registry.manifests.set(digestOf(index), { type: INDEX, bytes: index })
    expect((await pull(`@${digestOf(index)}`)).descriptor.digest).toBe(amd64.digest)
    for (const [digest, bytes] of arm64.blobs) registry.blobs.set(digest, bytes)
    registry.manifests.set(arm64.digest, { type: MANIFEST, bytes: arm64.manifest })
    expect((await pull(`@${digestOf(index)}`, { architecture: 'arm64' })).config.architecture).toBe('arm64')
  })

  it('is refused for the wrong platform, with those that are there', async () => {
    const sample = await serve()
    const index = sampleIndex([{ image: sample, platform: { os: 'windows', architecture: 'amd64' } }])
    registry.manifests.set(digestOf(index), { type: INDEX, bytes: index })
    await expect(pull(`@${digestOf(index)}`)).rejects.toMatchObject({
      code: 'IMAGE_UNSUPPORTED',
      expected: 'linux/amd64',
      found: 'windows/amd64',
    })
  })

  it('goes on where it stopped', async () => {
    const big = sampleImage('amd64', Buffer.alloc(3_000_000, 'x9').toString('latin1') + Math.random())
    const layer = JSON.parse(big.manifest.toString()) as { layers: { digest: string; size: number }[] }
    const { digest, size } = layer.layers[0]!
    let cuts = 0
    await serve(
      {
        intercept(request, response, path) {
          if (!path.endsWith(digest) || request.method !== 'GET' || cuts++ > 0) return false
          response.writeHead(200, { 'content-length': size, etag: '"x"' })
          response.write(big.blobs.get(digest)!.subarray(0, 1000), () => response.destroy())
          return true
        },
      },
      big,
    )
    await pull(`@${big.digest}`)
    expect(cuts).toBeGreaterThan(1)
    expect(kept()).toContain(digest.slice(7))
    expect(kept().filter((name) => name.includes('part'))).toEqual([])
  })
})

describe('a tag without a digest', () => {
  it('is refused with the digest it has at the moment', async () => {
    const sample = await serve()
    for (const name of ['', ':latest'])
      await expect(pull(name)).rejects.toMatchObject({
        code: 'IMAGE_REFERENCE',
        found: 'tag latest',
        hint: `at this moment it is ${registry.host}/team/app@${sample.digest}`,
      })
    expect(registry.requests.filter((request) => request.includes('blobs'))).toEqual([])
  })
})

describe('a registry that wants credentials', () => {
  it('gets a token of its realm, for nothing but this repository', async () => {
    const sample = await serve({ auth: 'bearer' })
    const asked: URL[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      asked.push(new URL(String(input)))
      return globalThis.fetch(input, init)
    }
    await pull(`@${sample.digest}`, { credentials: USER, fetch })
    const token = asked.find(({ pathname }) => pathname === '/token')
    expect(Object.fromEntries(token!.searchParams)).toEqual({
      service: 's',
      scope: 'repository:team/app:pull',
    })
    expect(asked.filter(({ pathname }) => pathname === '/token')).toHaveLength(1)
  })

  it('is answered with a name and password where it wants these', async () => {
    const sample = await serve({ auth: 'basic' })
    await pull(`@${sample.digest}`, { credentials: USER })
    await expect(pull(`@${sample.digest}`)).rejects.toMatchObject({ code: 'CLI_AUTH' })
  })

  it.each(['bearer', 'basic'] as const)('says so without credentials, and prints none (%s)', async (auth) => {
    const sample = await serve({ auth })
    for (const credentials of [undefined, { username: 'eve', password: 'a secret thing' }]) {
      const failed = await pull(`@${sample.digest}`, { credentials }).catch((error: unknown) => error)
      expect(failed).toMatchObject({ code: 'CLI_AUTH' })
      expect(JSON.stringify(failed) + String((failed as Error).cause)).not.toContain('secret thing')
    }
  })

  it('does not get its token sent to the host it redirects to', async () => {
    const sample = await serve({ auth: 'bearer', redirectBlobs: true })
    await pull(`@${sample.digest}`, { credentials: USER })
    const atStore = registry.authorizations.filter(({ host }) => host === 'store')
    expect(atStore).toHaveLength(2)
    expect(atStore.map(({ value }) => value)).toEqual([undefined, undefined])
  })

  it.each([
    ['Bearer realm="http://example.com/token"', 'REGISTRY_FAILED'],
    ['Bearer realm="https://u:p@example.com/"', 'REGISTRY_FAILED'],
    ['Bearer service="x"', 'CLI_AUTH'],
    ['Bearer realm="http://127.0.0.1/a",realm="http://127.0.0.1/b"', 'CLI_AUTH'],
    ['Negotiate', 'CLI_AUTH'],
    [`Bearer realm="${'x'.repeat(10_000)}"`, 'CLI_AUTH'],
  ])('is refused where it asks for %s', async (challenge, code) => {
    const sample = await serve({
      intercept(_request, response) {
        response.writeHead(401, { 'www-authenticate': challenge }).end()
        return true
      },
    })
    await expect(pull(`@${sample.digest}`, { credentials: USER })).rejects.toMatchObject({ code })
  })
})

describe('a registry that lies', () => {
  const answering = (
    path: RegExp,
    answer: (response: Parameters<NonNullable<RegistryBehaviour['intercept']>>[1]) => void,
  ): RegistryBehaviour => ({
    intercept(_request, response, at) {
      if (!path.test(at)) return false
      answer(response)
      return true
    },
  })

  it('about a manifest: it is not taken', async () => {
    const sample = await serve()
    const other = sampleImage('amd64', 'other')
    registry.manifests.set(sample.digest, { type: MANIFEST, bytes: other.manifest })
    await expect(pull(`@${sample.digest}`)).rejects.toMatchObject({
      code: 'IMAGE_DIGEST',
      action: 'stop',
      expected: sample.digest,
      found: other.digest,
    })
  })

  it('about the bytes of a blob: they are removed', async () => {
    const sample = sampleImage()
    const { layers } = JSON.parse(Buffer.from(sample.manifest).toString()) as {
      layers: { digest: string; size: number }[]
    }
    await serve(
      answering(/blobs/, (response) => void response.end(Buffer.alloc(layers[0]!.size))),
      sample,
    )
    await expect(pull(`@${sample.digest}`)).rejects.toMatchObject({ code: 'IMAGE_DIGEST' })
    expect(kept()).toEqual([])
  })

  it.each([
    ['an endless blob', /blobs/, 'IMAGE_DIGEST'],
    ['an endless manifest', /manifests/, 'REGISTRY_FAILED'],
  ])('with %s: no more than its size is taken', async (_name, path, code) => {
    const sample = await serve(
      answering(path, (response) => {
        const more = (): boolean => response.write(Buffer.alloc(65_536))
        response.on('drain', more).on('error', () => {})
        more()
      }),
    )
    await expect(pull(`@${sample.digest}`)).rejects.toMatchObject({ code })
  })

  it('about the size of a blob', async () => {
    const sample = await serve(
      answering(/blobs/, (response) => response.writeHead(200, { 'content-length': 3 }).end('abc')),
    )
    await expect(pull(`@${sample.digest}`)).rejects.toMatchObject({ code: 'IMAGE_DIGEST' })
  })

  it('by redirects without end, or to plain HTTP elsewhere', async () => {
    const around = await serve(
      answering(/blobs/, (response) => response.writeHead(307, { location: '/v2/team/app/blobs/x' }).end()),
    )
    await expect(pull(`@${around.digest}`)).rejects.toMatchObject({ code: 'REGISTRY_FAILED' })
    await registry.close()
    const away = await serve(
      answering(/blobs/, (response) => response.writeHead(307, { location: 'http://example.com/x' }).end()),
    )
    const failed = await pull(`@${away.digest}`).catch((error: { cause?: unknown }) => error.cause ?? error)
    expect(failed).toMatchObject({ code: 'REGISTRY_FAILED', found: 'http://example.com' })
  })

  it.each([
    ['no JSON', '{'],
    ['of another version', '{"schemaVersion":1,"layers":[]}'],
    ['both an index and an image', '{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}'],
    [
      'an image that says it is an index',
      `{"schemaVersion":2,"mediaType":"${INDEX}","layers":[],"config":{}}`,
    ],
    ['with a name twice', `{"schemaVersion":2,"schemaVersion":2,"layers":[],"config":{}}`],
    ['without a configuration', `{"schemaVersion":2,"layers":[]}`],
    ['null', 'null'],
  ])('with a document that is %s', async (_name, text) => {
    await serve()
    const bytes = Buffer.from(text)
    registry.manifests.set(digestOf(bytes), { type: MANIFEST, bytes })
    await expect(pull(`@${digestOf(bytes)}`)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it.each([
    [
      'a layer of another kind',
      { layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }] },
      'IMAGE_UNSUPPORTED',
    ],
    [
      'a configuration that is none',
      { config: { mediaType: 'application/vnd.oci.empty.v1+json' } },
      'IMAGE_UNSUPPORTED',
    ],
    ['a size that is none', { layers: [{ size: -1 }] }, 'IMAGE_INVALID'],
    ['a size beyond the bounds', { layers: [{ size: 2 ** 43 }] }, 'IMAGE_INVALID'],
    ['a digest of another kind', { layers: [{ digest: `sha512:${'0'.repeat(128)}` }] }, 'IMAGE_INVALID'],
    ['a digest that is a path', { layers: [{ digest: 'sha256:../../../../etc/passwd' }] }, 'IMAGE_INVALID'],
  ])('with a manifest that has %s', async (_name, change, code) => {
    const sample = await serve()
    const manifest = JSON.parse(Buffer.from(sample.manifest).toString()) as Record<string, unknown>
    const { layers, config } = change as { layers?: object[]; config?: object }
    const [layer] = manifest['layers'] as object[]
    const bytes = Buffer.from(
      JSON.stringify({
        ...manifest,
        ...(layers && { layers: [{ ...layer, ...layers[0] }] }),
        ...(config && { config: { ...(manifest['config'] as object), ...config } }),
      }),
    )
    registry.manifests.set(digestOf(bytes), { type: MANIFEST, bytes })
    await expect(pull(`@${digestOf(bytes)}`)).rejects.toMatchObject({ code })
  })

  it.each([
    [500, 'REGISTRY_FAILED'],
    [404, 'IMAGE_REFERENCE'],
    [403, 'CLI_AUTH'],
    [302, 'REGISTRY_FAILED'],
  ])('with status %i', async (status, code) => {
    const sample = await serve(answering(/manifests/, (response) => response.writeHead(status).end()))
    await expect(pull(`@${sample.digest}`)).rejects.toMatchObject({ code })
  })
})

describe('TLS', () => {
  it('is used for every registry that is not this machine', async () => {
    const asked: string[] = []
    const fetch = (input: unknown): Promise<Response> => {
      asked.push(String(input))
      return Promise.resolve(new Response(null, { status: 404 }))
    }
    const reference = parseReference(`debian@sha256:${'0'.repeat(64)}`)
    const failing = pullImage({
      reference,
      architecture: 'amd64',
      folder: root,
      fetch: fetch as typeof globalThis.fetch,
      signal: AbortSignal.timeout(5000),
    })
    await expect(failing).rejects.toMatchObject({ code: 'IMAGE_REFERENCE' })
    expect(asked).toEqual([
      `https://registry-1.docker.io/v2/library/debian/manifests/sha256:${'0'.repeat(64)}`,
    ])
  })
})

describe('credentials of Docker', () => {
  const read = (content: unknown, name = 'ghcr.io'): Promise<unknown> => {
    mkdirSync(join(root, 'docker'), { recursive: true })
    writeFileSync(
      join(root, 'docker/config.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    )
    return readDockerCredentials(name, { DOCKER_CONFIG: join(root, 'docker') })
  }
  const auth = Buffer.from('ada:a:b').toString('base64')

  it('are those that docker login left', async () => {
    expect(await read({ auths: { 'ghcr.io': { auth } } })).toEqual({ username: 'ada', password: 'a:b' })
    expect(await read({ auths: { 'https://ghcr.io': USER } })).toEqual(USER)
    expect(
      await read({ auths: { 'https://index.docker.io/v1/': { auth } } }, 'registry-1.docker.io'),
    ).toMatchObject({
      username: 'ada',
    })
    expect(await read({ auths: { 'other.io': { auth } } })).toBeUndefined()
    expect(await read({ auths: { 'ghcr.io': {} }, credsStore: 'pass' })).toBeUndefined()
    expect(await readDockerCredentials('ghcr.io', { DOCKER_CONFIG: join(root, 'none') })).toBeUndefined()
  })

  it.each(['{', '{"auths":{"ghcr.io":{"auth":"b25seS1hLW5hbWU="}}}', 'null'])(
    'of a damaged file are an error that quotes nothing: %s',
    async (text) => {
      const failed = await read(text).catch((error: unknown) => error)
      expect(failed).toMatchObject({ code: 'CLI_CONFIG' })
      expect(failed).not.toHaveProperty('cause', expect.anything())
    },
  )
})

import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MANIFEST } from '@sotto/protocol/oci'
import { parseReference, pullImage, pushImage, readLayout } from '../../../src/oci/index.ts'
import { openRegistry } from '../../../src/oci/registry/client.ts'
import { USER } from '../support/registry-server.ts'
import { sampleImage, temporary, writeSampleLayout } from '../support/sample.ts'

const BASIC = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`
const CHALLENGES = ['Bearer realm="https://evil.example/t"', 'Basic realm="x"']

let root: string
beforeEach(() => {
  root = temporary()
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** One request to some host. */
interface Asked {
  url: string
  authorization: string | undefined
}

/** Hosts of the internet by their answers, and what they were asked. */
function internet(answer: (url: URL, method: string, asked: Asked) => Response): {
  fetch: typeof globalThis.fetch
  asked: Asked[]
} {
  const asked: Asked[] = []
  return {
    asked,
    fetch: async (input, init) => {
      const url = new URL(String(input))
      const { authorization } = (init?.headers ?? {}) as Record<string, string>
      const one = { url: url.href, authorization }
      asked.push(one)
      return answer(url, init?.method ?? 'GET', one)
    },
  }
}

const status = (code: number, headers: Record<string, string> = {}): Response =>
  new Response(null, { status: code, headers })
const common = (fetch: typeof globalThis.fetch): { fetch: typeof fetch; signal: AbortSignal } => ({
  fetch,
  signal: AbortSignal.timeout(20_000),
})

/** What has been sent to hosts that are not the registry. */
const toOthers = (asked: readonly Asked[]): Asked[] =>
  asked.filter(({ url }) => new URL(url).host !== 'reg.example')

describe('a challenge of a host that the registry leads to', () => {
  const refusal = {
    code: 'REGISTRY_FAILED',
    message: 'reg.example leads to another host, which wants credentials',
  }

  it.each(CHALLENGES)('is not answered where it redirects to (%s)', async (challenge) => {
    const sample = sampleImage()
    const { fetch, asked } = internet(({ host, pathname }) => {
      if (host === 'cdn.evil') return status(401, { 'www-authenticate': challenge })
      if (host !== 'reg.example') return Response.json({ token: 'a-token' })
      if (pathname.includes('/blobs/')) return status(307, { location: 'https://cdn.evil/blob' })
      return new Response(Buffer.from(sample.manifest), { headers: { 'content-type': MANIFEST } })
    })
    const pulling = pullImage({
      ...common(fetch),
      reference: parseReference(`reg.example/team/app@${sample.digest}`),
      architecture: 'amd64',
      folder: root,
      credentials: USER,
      pauseMs: 1,
    })
    await expect(pulling).rejects.toMatchObject({ ...refusal, found: 'status 401 of cdn.evil' })
    expect(toOthers(asked)).toEqual([{ url: 'https://cdn.evil/blob', authorization: undefined }])
  })

  it.each(CHALLENGES)('is not answered where it wants an upload (%s)', async (challenge) => {
    const image = await readLayout(writeSampleLayout(root))
    const { fetch, asked } = internet(({ host }, method) => {
      if (host === 'store.evil') return status(401, { 'www-authenticate': challenge })
      if (host !== 'reg.example') return Response.json({ token: 'a-token' })
      return method === 'POST' ? status(202, { location: 'https://store.evil/upload' }) : status(404)
    })
    const pushing = pushImage({
      ...common(fetch),
      image,
      reference: parseReference('reg.example/team/app'),
      credentials: USER,
    })
    await expect(pushing).rejects.toMatchObject({ ...refusal, found: 'status 401 of store.evil' })
    expect(toOthers(asked)).toEqual([
      { url: expect.stringMatching(/^https:\/\/store\.evil\/upload\?/) as string, authorization: undefined },
    ])
  })

  it('is not answered after the registry’s own was', async () => {
    const { fetch, asked } = internet(({ host }, _method, { authorization }) => {
      if (host === 'auth.example') return Response.json({ token: 'a-token' })
      if (host === 'reg.example' && authorization === 'Bearer a-token')
        return status(307, { location: 'https://cdn.evil/' })
      const realm = host === 'reg.example' ? 'https://auth.example/token' : 'https://evil.example/t'
      return status(401, { 'www-authenticate': `Bearer realm="${realm}"` })
    })
    const registry = openRegistry({
      ...common(fetch),
      reference: parseReference('reg.example/team/app'),
      credentials: USER,
    })
    await expect(registry.request('manifests/v1', { accept: [200] })).rejects.toMatchObject(refusal)
    expect(toOthers(asked).map(({ url }) => new URL(url).host)).toEqual(['auth.example', 'cdn.evil'])
  })
})

describe('a realm that the registry names itself', () => {
  const request = async (realm: string): Promise<Asked[]> => {
    const { fetch, asked } = internet(({ host }, _method, { authorization }) => {
      if (host !== 'reg.example') return Response.json({ token: 'a-token' })
      if (authorization === 'Bearer a-token') return status(200)
      return status(401, { 'www-authenticate': `Bearer realm="${realm}",service="reg.example"` })
    })
    const registry = openRegistry({
      ...common(fetch),
      reference: parseReference('reg.example/team/app'),
      credentials: USER,
    })
    await registry.request('manifests/v1', { accept: [200] }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'REGISTRY_FAILED', expected: 'https' })
    })
    return asked
  }

  it('may be on another host, as that of Docker Hub is', async () => {
    const asked = await request('https://auth.example/token')
    expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, BASIC, 'Bearer a-token'])
    expect(asked[1]!.url).toMatch(/^https:\/\/auth\.example\/token\?service=reg\.example&scope=/)
  })

  it.each(['http://auth.example/token', 'http://127.0.0.1/token'])('is not asked at %s', async (realm) => {
    expect(toOthers(await request(realm))).toEqual([])
  })
})

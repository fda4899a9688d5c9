import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ModelOwner, Sotto } from '@sotto/client'
import { concat } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { canonicalJson } from '@sotto/protocol/jcs'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { openArtifact } from '@sotto/protocol/sealed'
import { parseModelManifest } from '@sotto/protocol/model-manifest'
import { claim } from '../claims.ts'
import { deploy, type Deployment, newOwner, refusal } from './deployment.ts'

const MARK = 'weights that nobody else reads '
const weights = (size: number): Blob => new Blob([MARK.repeat(Math.ceil(size / MARK.length)).slice(0, size)])
const code = (name: string, found?: string): unknown =>
  expect.objectContaining({ code: name, ...(found !== undefined && { found }) })

let deployment: Deployment
let sotto: Sotto
let owner: ModelOwner

beforeEach(async () => {
  deployment = await deploy()
  owner = newOwner()
  deployment.admit([owner])
  sotto = await deployment.connect()
})

/** What the registry keeps, by digest. */
function stored(): Map<string, Buffer> {
  const blobs = join(deployment.store, 'blobs')
  return new Map(
    readdirSync(blobs).flatMap((prefix) =>
      readdirSync(join(blobs, prefix)).map(
        (digest) => [digest, readFileSync(join(blobs, prefix, digest))] as const,
      ),
    ),
  )
}

async function open(artifact: string, digest: string): Promise<{ text: string; metadata: string }> {
  const file = stored().get(digest)!
  const read = async (start: number, length: number): Promise<Uint8Array> =>
    file.subarray(start, start + length)
  const opened = await openArtifact(read, deployment.keys.get(artifact)!.key, artifact)
  return {
    text: Buffer.from(concat(...(await Array.fromAsync(opened.content)))).toString(),
    metadata: opened.metadata,
  }
}

describe('a model that its owner uploads', () => {
  it(
    claim('models.sealed', 'is sealed before it leaves, and opens with the key that only the KMS was given'),
    async () => {
      const file = weights(1_000_000)
      const prepared: number[] = []
      const uploaded: number[] = []
      const model = await sotto.models.upload(
        { 'model.gguf': file },
        {
          owner,
          name: 'notes',
          partBytes: 300_000,
          onPrepared: (bytes) => prepared.push(bytes),
          onUploaded: (bytes) => uploaded.push(bytes),
        },
      )
      expect(model.id).toBe(`${owner.tag}/notes:1`)
      const { artifact, digest, bytes, model: modelDigest, task } = model.statement
      const { text, metadata } = await open(artifact, digest)
      expect(text).toBe(await file.text())
      const manifest = parseModelManifest(metadata)
      expect([manifest.digest, manifest.engine, task]).toEqual([modelDigest, 'gguf', 'text-generation'])
      expect(prepared.reduce((sum, n) => sum + n, 0)).toBe(file.size)
      expect(uploaded.reduce((sum, n) => sum + n, 0)).toBe(bytes)
      // Neither the relay nor the registry has a word of it.
      for (const { body } of deployment.service.outerCalls)
        expect(Buffer.from(body).includes(MARK)).toBe(false)
      for (const blob of stored().values()) expect(blob.includes(MARK)).toBe(false)
      for (const { body, path } of deployment.service.innerCalls)
        expect(Buffer.from(body).includes(Buffer.from(owner.contentKey(artifact))), path).toBe(false)
      // What the public log says about it is signed by the owner.
      expect(await sotto.models.show(model.id)).toEqual(model)
      expect(await sotto.models.list(owner.tag)).toEqual([model])
    },
  )

  it('opens under the policy of its owner, where there is one', async () => {
    const policy = {
      version: 1 as const,
      genesis: deployment.service.world.genesisDigest,
      anyOf: [{ name: 'mine', role: 'inference' as const, allOf: [{ family: 'software' as const }] }],
      evidenceMaxAgeSeconds: 60,
      createdAt: 1_790_000_000,
    }
    const { statement } = await sotto.models.upload(
      { 'm.onnx': weights(5000) },
      { owner, name: 'm', policy: policy as never },
    )
    expect(statement).toMatchObject({ policy: documentDigest(policy), task: 'tensors' })
    expect(deployment.keys.get(statement.artifact)!.import).toMatchObject({
      ownerPolicy: policy,
      policy: statement.policy,
    })
    const other = await sotto.models.upload({ 'm.onnx': weights(5000) }, { owner, name: 'other' })
    expect(other.statement.policy).toBe(deployment.service.world.keyPolicyDigest)
  })

  it('goes on where an earlier upload stopped, whoever cut it', async () => {
    const files = { 'model.gguf': weights(900_000) }
    const options = { owner, name: 'notes', partBytes: 100_000 }
    let parts = 0
    deployment.intercept.request = ({ method }) => {
      if (method === 'PATCH' && ++parts > 3) throw new Error('the enclave is gone')
      return undefined
    }
    await expect(
      sotto.models.upload(files, { ...options, signal: AbortSignal.timeout(3000) }),
    ).rejects.toThrow()
    const before = parts
    delete deployment.intercept.request
    parts = 0
    const sent: number[] = []
    deployment.intercept.request = ({ method, headers }) => {
      if (method === 'PATCH') sent.push(Number(headers.get('upload-offset')))
      return undefined
    }
    // Another process: nothing is remembered but the files and the owner's key.
    const again = await deployment.connect()
    const { statement } = await again.models.upload(files, options)
    expect(before).toBeGreaterThan(3)
    expect(sent[0]).toBe(300_000)
    expect((await open(statement.artifact, statement.digest)).text).toBe(await files['model.gguf'].text())
  })

  it('by two programs at once is one whole file, and one version', async () => {
    const files = { 'model.gguf': weights(700_000) }
    const options = { owner, name: 'notes', partBytes: 50_000 }
    const other = await deployment.connect()
    const both = await Promise.all([sotto, other].map(({ models }) => models.upload(files, options)))
    expect(both[0]).toEqual(both[1])
    expect(stored().size).toBe(1)
    const { statement } = both[0]!
    expect((await open(statement.artifact, statement.digest)).text).toBe(await files['model.gguf'].text())
  })

  it('that another program published faster is that one', async () => {
    const files = { 'model.gguf': weights(1000) }
    const other = await deployment.connect()
    let faster: unknown
    deployment.intercept.request = async ({ method }) => {
      if (method !== 'PUT' || faster !== undefined) return undefined
      faster = 'on its way'
      deployment.service.world.now += 1
      faster = await other.models.upload(files, { owner, name: 'notes' })
      return undefined
    }
    expect(await sotto.models.upload(files, { owner, name: 'notes' })).toEqual(faster)
    expect(faster).toMatchObject({ statement: { version: 1 } })
  })

  it('whose key another program has just imported is imported again, once', async () => {
    const files = { 'model.gguf': weights(1000) }
    let puts = 0
    deployment.intercept.request = ({ method }) =>
      method === 'PUT' && puts++ < 1 ? refusal('KMS_ARTIFACT_REPLAY', 409) : undefined
    const { statement } = await sotto.models.upload(files, { owner, name: 'notes' })
    expect([puts, statement.version]).toEqual([2, 1])
    deployment.intercept.request = ({ method }) =>
      method === 'PUT' ? refusal('KMS_ARTIFACT_REPLAY', 409) : undefined
    await expect(sotto.models.upload(files, { owner, name: 'other' })).rejects.toEqual(
      code('MODEL_REFUSED', 'KMS_ARTIFACT_REPLAY'),
    )
  })

  it('goes on where the upload is gone, because another program was faster or because it rested too long', async () => {
    const files = { 'model.gguf': weights(400_000) }
    const sent: string[] = []
    deployment.intercept.request = async ({ method, headers }) => {
      if (method !== 'PATCH') return undefined
      sent.push(headers.get('upload-offset')!)
      if (sent.length === 3) {
        deployment.clock.ahead = 3600
        await deployment.registry.tick()
      }
      return undefined
    }
    const { statement } = await sotto.models.upload(files, { owner, name: 'notes', partBytes: 100_000 })
    expect(sent.slice(0, 4)).toEqual(['0', '100000', '200000', '0'])
    expect((await open(statement.artifact, statement.digest)).text).toBe(await files['model.gguf'].text())
  })

  it('again is no second version, unless something is different', async () => {
    const files = { 'model.gguf': weights(1000) }
    const first = await sotto.models.upload(files, { owner, name: 'notes' })
    expect(await sotto.models.upload(files, { owner, name: 'notes' })).toEqual(first)
    const second = await sotto.models.upload({ 'model.gguf': weights(1001) }, { owner, name: 'notes' })
    expect(second.statement.version).toBe(2)
    // Another artifact with another key: no two versions share one.
    expect(second.statement.artifact).not.toBe(first.statement.artifact)
    const kept = await sotto.models.upload(files, {
      owner,
      name: 'notes',
      expiresAt: deployment.service.now() + 60,
    })
    expect(kept.statement.version).toBe(3)
  })

  it('that changes while it is read does not leave', async () => {
    let reads = 0
    const file = weights(600_000)
    const fickle = Object.assign(new Blob([file]), {
      stream: () => (++reads > 2 ? new Blob([new Uint8Array(file.size)]) : file).stream(),
    })
    await expect(sotto.models.upload({ 'model.gguf': fickle }, { owner, name: 'notes' })).rejects.toEqual(
      code('MODEL_SOURCE'),
    )
    expect(deployment.service.innerCalls.filter(({ method }) => method === 'PATCH')).toEqual([])
  })

  it.each([
    ['two models', { 'a.gguf': weights(10), 'b.onnx': weights(10) }],
    ['nothing', {}],
    ['a manifest that is none', { 'manifest.json': new Blob(['{}']) }],
    ['a name that leaves', { '../a.gguf': weights(10) }],
  ])('is not made of %s', async (_, files) => {
    await expect(sotto.models.upload(files, { owner, name: 'notes' })).rejects.toEqual(code('MODEL_SOURCE'))
    expect(deployment.service.innerCalls).toEqual([])
  })
})

describe('the service', () => {
  const files = { 'model.gguf': weights(2000) }

  it('that does not know the owner says so, and nothing is kept', async () => {
    const stranger = newOwner()
    await expect(sotto.models.upload(files, { owner: stranger, name: 'notes' })).rejects.toEqual(
      expect.objectContaining({ code: 'MODEL_REFUSED', found: 'REGISTRY_OWNER', action: 'fix-input' }),
    )
    expect(deployment.keys.size).toBe(0)
  })

  it(
    claim('models.owner', 'that answers with another model, or one that is not in the log, is not believed'),
    async () => {
      const mine = await sotto.models.upload(files, { owner, name: 'notes' })
      await sotto.models.upload(files, { owner, name: 'other' })
      const answerOf = async (name: string): Promise<Record<string, unknown>> =>
        (await (
          await deployment.registry.app(new Request(`http://models.test/v1/models/${owner.tag}/${name}`))
        ).json()) as Record<string, unknown>
      const answer = (value: object): void => {
        deployment.intercept.request = () => new Response(canonicalJson(value as never) as BodyInit)
      }
      answer(await answerOf('other'))
      await expect(sotto.models.show(mine.id)).rejects.toEqual(code('MODEL_SUBSTITUTED'))
      answer({ ...(await answerOf('notes')), proof: [] })
      await expect(sotto.models.show(mine.id)).rejects.toEqual(code('MERKLE_INCLUSION'))
      const foreign = await deploy()
      const { checkpoint } = await answerOf('notes')
      answer({
        ...(await answerOf('notes')),
        checkpoint: (checkpoint as string).replace(
          deployment.service.world.log.origin,
          foreign.service.world.log.origin + 'x',
        ),
      })
      await expect(sotto.models.show(mine.id)).rejects.toEqual(code('NOTE_SIGNATURE'))
      answer({ models: [{ envelope: (await answerOf('notes'))['envelope'], index: 1 }] })
      await expect(sotto.models.list(newOwner().tag)).rejects.toEqual(code('MODEL_SUBSTITUTED'))
      answer({ anything: 'else' })
      await expect(sotto.models.show(mine.id)).rejects.toEqual(code('MODEL_UNAVAILABLE'))
    },
  )
})

it('content keys of one owner are as different as those of two', () => {
  const ids = Array.from({ length: 4 }, () => Buffer.from(crypto.randomBytes(16)).toString('hex'))
  const keys = [owner, newOwner()].flatMap((one) =>
    ids.map((id) => Buffer.from(one.contentKey(id)).toString('hex')),
  )
  expect(new Set(keys).size).toBe(8)
})

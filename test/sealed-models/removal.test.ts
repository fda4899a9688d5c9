import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ModelOwner, Sotto } from '@sotto/client'
import type { DsseSigner } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import { claim } from '../claims.ts'
import { deploy, type Deployment, newOwner } from './deployment.ts'

const weights = (size: number): Blob => new Blob(['weights '.repeat(size).slice(0, size)])
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

/** Sealed files that the registry keeps. */
const stored = (): string[] => {
  const blobs = join(deployment.store, 'blobs')
  return readdirSync(blobs).flatMap((prefix) => readdirSync(join(blobs, prefix)))
}

describe('a removal', () => {
  it(claim('models.removal', 'ends what requests could name, and destroys the content keys'), async () => {
    const first = await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
    const second = await sotto.models.upload({ 'a.gguf': weights(1001) }, { owner, name: 'notes' })
    const { artifacts } = await sotto.models.remove('notes', { owner, version: 2 })
    expect(artifacts).toEqual([second.statement.artifact])
    expect([...deployment.keys.keys()]).toEqual([first.statement.artifact])
    expect((await sotto.models.show(`${owner.tag}/notes`)).id).toBe(first.id)
    await sotto.models.remove('notes', { owner })
    expect(deployment.keys.size).toBe(0)
    expect(stored()).toEqual([])
    await expect(sotto.models.show(`${owner.tag}/notes`)).rejects.toEqual(
      code('MODEL_REFUSED', 'REGISTRY_MODEL_REMOVED'),
    )
    // What comes back is another version, another artifact and another key.
    deployment.service.world.now += 2
    const third = await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
    expect(third.statement.version).toBe(3)
    expect(third.statement.artifact).not.toBe(first.statement.artifact)
  })

  it(
    claim('models.removal', 'destroys the keys of versions that a registry hides from their owner'),
    async () => {
      await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
      const hidden = await sotto.models.upload({ 'a.gguf': weights(1001) }, { owner, name: 'notes' })
      deployment.intercept.request = ({ method }) =>
        method === 'GET' ? new Response(canonicalJson({ models: [] }) as BodyInit) : undefined
      const { artifacts, index } = await sotto.models.remove('notes', { owner })
      expect(artifacts).toContain(hidden.statement.artifact)
      expect(index).toBeGreaterThan(0)
      expect(deployment.keys.size).toBe(0)
    },
  )

  it('is done where the KMS says so, also if the registry says that it has no such model', async () => {
    const { statement } = await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
    deployment.withoutRegistry = true
    deployment.intercept.request = ({ method }) =>
      method === 'GET' ? new Response(canonicalJson({ models: [] }) as BodyInit) : undefined
    expect(await sotto.models.remove('notes', { owner })).toEqual({ artifacts: [statement.artifact] })
    expect(deployment.keys.size).toBe(0)
  })

  it(
    claim('models.removal', 'is not done where a registry lists a model and says then that it has none'),
    async () => {
      const { statement } = await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
      deployment.withoutRegistry = true
      await expect(sotto.models.remove('notes', { owner })).rejects.toMatchObject({
        code: 'MODEL_UNAVAILABLE',
        action: 'retry',
      })
      expect(deployment.keys.size).toBe(0)
      deployment.withoutRegistry = false
      // What the KMS destroyed before, it says again.
      deployment.intercept.receipt = (receipt) => ({ ...receipt, destroyed: [statement.artifact] })
      const { index } = await sotto.models.remove('notes', { owner })
      expect(index).toBeGreaterThan(0)
    },
  )

  it(claim('owner.removal', 'is not done before the verified KMS says which keys are gone'), async () => {
    const { statement } = await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
    const { artifact } = statement
    const removeWith = (change: object, signer?: DsseSigner): Promise<unknown> => {
      deployment.intercept.receipt = (receipt) => ({ ...receipt, destroyed: [artifact], ...change })
      deployment.intercept.signer = signer
      return sotto.models.remove('notes', { owner })
    }
    await expect(removeWith({ destroyed: [] })).rejects.toEqual(code('MODEL_KEYS_KEPT', artifact))
    await expect(removeWith({ destroyed: [], newer: [artifact] })).rejects.toEqual(
      code('MODEL_KEYS_KEPT', artifact),
    )
    await expect(removeWith({}, deployment.service.world.signers.root)).rejects.toEqual(code('MODEL_RECEIPT'))
    await expect(removeWith({ removal: '00'.repeat(32) })).rejects.toEqual(code('MODEL_RECEIPT'))
    expect(await removeWith({})).toMatchObject({ artifacts: [artifact] })
  })

  it('of a model that a machine with a fast clock published covers it', async () => {
    const { world } = deployment.service
    world.now += 8
    const { statement } = await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
    world.now -= 8
    expect(await sotto.models.remove('notes', { owner })).toMatchObject({ artifacts: [statement.artifact] })
  })

  it('by somebody else finds nothing to remove', async () => {
    await sotto.models.upload({ 'a.gguf': weights(1000) }, { owner, name: 'notes' })
    await expect(sotto.models.remove('notes', { owner: newOwner() })).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
    })
    expect(deployment.keys.size).toBe(1)
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { modelOwner, type Sotto } from '@sotto/client'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDecision, parseMemberJws } from '@sotto/protocol/governance'
import type { KeyReleasePolicy, LoggedStatement } from '@sotto/protocol/keyrelease'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claim } from '../claims.ts'
import { chat, childrenOf, clientOf, startTestStack, type TestStack, urlOf } from './support.ts'

const owner = modelOwner(crypto.randomBytes(32))
const NAME = `${owner.tag}/stories`
let stack: TestStack
let sotto: Sotto
let weights: Buffer<ArrayBuffer>

beforeAll(async () => {
  stack = await startTestStack({ owner: owner.signer.publicKey })
  sotto = await clientOf(stack)
  const file = join(stack.layout.models, 'sotto-tiny-story-en', 'sotto-tiny-story-en.gguf')
  weights = (await readFile(file)) as Buffer<ArrayBuffer>
})
afterAll(() => stack?.close())

const model = (bytes: Buffer<ArrayBuffer> = weights) => ({ 'stories.gguf': new Blob([bytes]) })

/** What a model says, or the code of the refusal. */
async function ask(name: string, client: Sotto = sotto): Promise<string> {
  const response = await chat(client, 'Tell me a story.', { model: name })
  const body = (await response.json()) as {
    error?: { code: string }
    choices?: { message: { content: string } }[]
  }
  return body.error?.code ?? body.choices![0]!.message.content
}

/** The policy in force, as a KMS shows it. */
async function policyInForce(): Promise<KeyReleasePolicy> {
  const { policy } = (await (await fetch(`${urlOf(stack, 'kms')}/v1/keys`)).json()) as {
    policy: LoggedStatement
  }
  const { decision } = parseDecision(utf8(policy.envelope))
  return parseMemberJws(decision.proposal, 'proposal').document.body as KeyReleasePolicy
}

/** Pieces of the weights that a file of this stack has in clear. */
function filesWithWeights(): string[] {
  const piece = weights.subarray(2_000_000, 2_000_256)
  const folders = [stack.folder, '/dev/shm']
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    )
    .filter((file) => {
      try {
        return readFileSync(file).includes(piece)
      } catch {
        return false
      }
    })
}

test(
  claim(
    ['owner.models', 'owner.policy', 'see.stores', 'T16'],
    'an owner’s model, from the owner’s machine through the relay to whoever names it, and no party has its weights in clear',
  ),
  async () => {
    const own = { ...(await policyInForce()), evidenceMaxAgeSeconds: 600 }
    const published = await sotto.models.upload(model(), { owner, name: 'stories', policy: own })
    expect(published.id).toBe(`${NAME}:1`)
    const expected = await ask('sotto-tiny-story-en')
    const others = await clientOf(stack)
    expect(await Promise.all([ask(NAME), ask(NAME, others), ask(`${NAME}:1`)])).toEqual(
      Array.from({ length: 3 }, () => expected),
    )
    const answer = await chat(others, 'Tell me a story.', { model: NAME })
    await answer.text()
    await others.receiptOf(answer)
    expect(others.receipts.at(-1)).toMatchObject({
      status: 'verified',
      receipt: { model: published.statement.model },
    })
    expect(filesWithWeights()).toEqual([])
    const shown = await sotto.fetch(`${sotto.baseURL}/models/${NAME}`)
    expect(await shown.json()).toMatchObject({
      id: `${NAME}:1`,
      digest: published.statement.model,
      owned_by: owner.tag,
    })
    const listed = (await (await sotto.fetch(`${sotto.baseURL}/models`)).json()) as { data: { id: string }[] }
    expect(
      listed.data.map(({ id }) => id).filter((id) => id.includes('/')),
      'nobody learns what others use',
    ).toEqual([])
  },
  120_000,
)

test('an owner that nobody admitted brings nothing, and hears who decides', async () => {
  const stranger = modelOwner(crypto.randomBytes(32))
  await expect(sotto.models.upload(model(), { owner: stranger, name: 'stories' })).rejects.toMatchObject({
    code: 'MODEL_REFUSED',
    found: 'REGISTRY_OWNER',
  })
  expect(await ask(`${stranger.tag}/stories`)).toBe('model_not_found')
})

test(
  claim(
    'owner.policy',
    'a model whose owner admits another enclave is not loaded here; every other model is served on',
  ),
  async () => {
    const { anyOf, ...rest } = await policyInForce()
    const [tuple] = anyOf
    const elsewhere = { ...tuple!, allOf: [{ ...tuple!.allOf[0]!, hostData: ['ee'.repeat(32)] }] }
    await sotto.models.upload(model(), { owner, name: 'elsewhere', policy: { ...rest, anyOf: [elsewhere] } })
    expect(await ask(`${owner.tag}/elsewhere`)).toBe('owned_model_refused')
    expect(await ask(NAME)).toBe(await ask('sotto-tiny-story-en'))
  },
  120_000,
)

test(
  claim(
    ['owner.removal', 'owner.models'],
    'a model that its owner removes is gone: no request begins, its engine ends, its name and key do not come back',
  ),
  async () => {
    const enclave = stack.roles.find(({ name }) => name === 'inference')!
    const engines = childrenOf(enclave.pid).length
    const { artifacts } = await sotto.models.remove('stories', { owner })
    expect(artifacts).toHaveLength(1)
    expect(await ask(NAME)).toBe('owned_model_ended')
    expect(await ask(`${NAME}:1`)).toBe('owned_model_ended')
    await expect.poll(() => childrenOf(enclave.pid).length, { timeout: 10_000 }).toBe(engines - 1)
    const next = await sotto.models.upload(model(), { owner, name: 'stories' })
    expect(next.id).toBe(`${NAME}:2`)
    expect(await ask(NAME)).toBe(await ask('sotto-tiny-story-en'))
  },
  120_000,
)

import { expect, it } from 'vitest'
import { createModels } from '@sotto/client/models'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import {
  type LoggedModelDocument,
  type ModelStatement,
  modelPublicationDecoder,
  modelWithdrawnDecoder,
  signOwnerDocument,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { appendTo } from '../../packages/edge/test/issuer/parties.ts'
import { claim } from '../claims.ts'
import { deploy, type Deployment, newOwner } from './deployment.ts'

const files = { 'model.gguf': new Blob(['weights '.repeat(500)]) }
const code = (name: string): unknown => expect.objectContaining({ code: name })

async function deployed() {
  const deployment = await deploy()
  const owner = newOwner()
  deployment.admit([owner])
  return { deployment, owner, sotto: await deployment.connect() }
}

/** The proof that an entry is in the log, which it joins if it has to. */
async function prove({ service }: Deployment, envelope: string): Promise<LoggedModelDocument> {
  const { index, checkpoint, proof } = await appendTo(service.world.log, service.now)(utf8(envelope))
  return { envelope, index, checkpoint: checkpoint.note, proof: proof.map(toHex) }
}
const answer = (value: object): Response => new Response(canonicalJson(value as never) as BodyInit)

it(
  claim('models.owner', 'a publication is proven by the very statement: another of the same version is none'),
  async () => {
    const { deployment, owner, sotto } = await deployed()
    deployment.intercept.request = async (request) => {
      if (request.method !== 'PUT') return undefined
      const { statement } = modelPublicationDecoder(await request.json(), 'body')
      const { genesisDigest } = deployment.service.world
      const sent: ModelStatement = verifyOwnerDocument('statement', statement, genesisDigest)
      // Signed by the owner, of this name and version, and in the log: but not what was published now.
      const other = signOwnerDocument('statement', { ...sent, createdAt: sent.createdAt - 1 }, owner.signer)
      return answer(await prove(deployment, other))
    }
    await expect(sotto.models.upload(files, { owner, name: 'notes' })).rejects.toEqual(
      code('MODEL_SUBSTITUTED'),
    )
    delete deployment.intercept.request
    await expect(sotto.models.upload(files, { owner, name: 'notes' })).resolves.toMatchObject({
      id: `${owner.tag}/notes:1`,
    })
  },
)

it(
  claim('models.removal', 'a removal is proven by the very removal: an older one of the same model is none'),
  async () => {
    const { deployment, owner, sotto } = await deployed()
    await sotto.models.upload(files, { owner, name: 'notes' })
    const removal = {
      format: 'sotto-model-removal/1' as const,
      genesis: deployment.service.world.genesisDigest,
      owner: owner.key,
      name: 'notes',
      version: 'all' as const,
      createdAt: deployment.service.now() - 1000,
    }
    const old = await prove(deployment, signOwnerDocument('removal', removal, owner.signer))
    deployment.onWithdrawn = (bytes) => {
      const { receipt } = modelWithdrawnDecoder(JSON.parse(Buffer.from(bytes).toString()), 'answer')
      return encodeDocument({ receipt, logged: old })
    }
    await expect(sotto.models.remove('notes', { owner })).rejects.toEqual(code('MODEL_SUBSTITUTED'))
  },
)

it(claim('T14', 'witnesses of the operator count zero in proofs of models, too'), async () => {
  const { deployment, owner, sotto } = await deployed()
  const { id } = await sotto.models.upload(files, { owner, name: 'notes' })
  const { world, now } = deployment.service
  const { log, witnesses } = world.policy
  const readerWith = (operator: boolean) =>
    createModels({
      fetch: sotto.fetch,
      service: async () => ({ genesis: world.genesisDigest }) as never,
      policy: {
        log,
        witnesses: {
          ...witnesses,
          allowOperatorWitnesses: false,
          keys: witnesses.keys.map((witness) => ({ ...witness, operator })),
        },
      },
      now,
    })
  expect((await readerWith(false).show(id)).id).toBe(id)
  await expect(readerWith(true).show(id)).rejects.toEqual(code('NOTE_QUORUM'))
})

it('the same model of one owner has other keys in another deployment, and the same in this one', async () => {
  const [first, other] = [await deployed(), await deployed()]
  other.deployment.admit([first.owner])
  const options = { owner: first.owner, name: 'notes', version: 1 }
  const here = await first.sotto.models.upload(files, options)
  const again = await (await first.deployment.connect()).models.upload(files, options)
  const there = await other.sotto.models.upload(files, options)
  expect(again.statement.artifact).toBe(here.statement.artifact)
  expect(there.statement.model).toBe(here.statement.model)
  expect(there.statement.artifact).not.toBe(here.statement.artifact)
  expect(there.statement.digest).not.toBe(here.statement.digest)
})

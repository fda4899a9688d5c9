import { expect, it } from 'vitest'
import { createApi, type ServedModel } from '../../src/api/index.ts'
import { createWaitingRoom } from '../../src/ram/waiting-room.ts'
import { post } from './support.ts'

const TARGET = `${'a'.repeat(24)}/notes`
const model: ServedModel = {
  id: `${TARGET}:2`,
  task: 'embedding',
  digest: 'd'.repeat(64),
  loadedAt: 7,
  embed: async () => ({ vectors: [Float32Array.of(1)], usage: { inputTokens: 1, outputTokens: 0 } }),
}
const asked: string[] = []
const api = createApi({
  models: {
    list: () => [],
    aliases: { notes: TARGET },
    onDemand: {
      find: async (name) => (asked.push(name), name === TARGET ? model : undefined),
      describe: async (name) =>
        name === TARGET
          ? { id: model.id, task: model.task, digest: model.digest, createdAt: 5, owner: 'aaa' }
          : undefined,
    },
  },
  clock: { now: () => 0, randomBytes: (length) => new Uint8Array(length) },
  maxUploadBytes: 1024,
  waitingRoom: createWaitingRoom({ maxFiles: 1, maxBytes: 1024 }),
})

it('a short name stands for a model of an owner, which is loaded when it is asked for', async () => {
  const response = await api(post('/v1/embeddings', { model: 'notes', input: 'x' }))
  expect([response.status, asked]).toEqual([200, [TARGET]])
  expect(await response.json()).toMatchObject({ model: `${TARGET}:2` })
})

it('and says whose name it is; another name is none', async () => {
  const show = async (id: string): Promise<unknown> =>
    (await api(new Request(`https://inference.sotto/v1/models/${id}`))).json()
  expect(await show('notes')).toMatchObject({ id: 'notes', alias_of: TARGET, owned_by: 'aaa', created: 5 })
  expect(await show(TARGET)).not.toHaveProperty('alias_of')
  expect(await show('other')).toMatchObject({ error: { code: 'model_not_found' } })
})

import { describe, expect, it } from 'vitest'
import type { ModelDirectory } from '../../src/api/index.ts'
import { findModel } from '../../src/api/models.ts'
import { apiForApp, modelsForApp } from '../../src/app/inner-api.ts'
import { currentParty } from '../../src/engines/host/index.ts'

describe('the inner API of an app', () => {
  const echo = apiForApp(async (request) =>
    Response.json({
      url: request.url,
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
      party: currentParty(),
    }),
  )

  it('is that of clients: same fields, one authority, a party of its own', async () => {
    const headers = {
      'content-type': 'a/b',
      authorization: 'Bearer none',
      'x-stainless-os': 'x',
      host: 'app.sotto',
    }
    const answer = await echo(
      new Request('http://127.0.0.1:61080/v1/chat/completions?a=b', { method: 'POST', headers, body: 'x' }),
    )
    expect(await answer.json()).toEqual({
      url: 'https://inference.sotto/v1/chat/completions?a=b',
      method: 'POST',
      headers: { 'content-type': 'a/b' },
      body: 'x',
      party: 'app',
    })
  })

  it('takes no other methods', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      expect((await echo(new Request('http://127.0.0.1/v1/models', { method }))).status).toBe(405)
  })
})

describe('the models of an app', () => {
  const asked: string[] = []
  const models: ModelDirectory = {
    list: () => [],
    aliases: { mine: 'abc/pinned', theirs: 'abc/known' },
    onDemand: {
      find: async (name) => void asked.push(name),
      describe: async (name) => void asked.push(name),
    },
  }

  it('are of owners only those that the configuration names: any other name would leave the enclave', async () => {
    const directory = modelsForApp(models, ['abc/pinned'])
    for (const name of ['abc/known', 'abc/pinned', 'abc/other', 'c2vjcmv0/words']) {
      await directory.onDemand!.find(name)
      await directory.onDemand!.describe(name)
    }
    expect(asked.splice(0)).toEqual(['abc/pinned', 'abc/pinned'])
    // What nobody keeps loaded is asked for when the app says so, whatever it is called.
    for (const name of ['theirs', 'mine']) await findModel(directory, name)
    expect(asked).toEqual(['abc/pinned'])
  })

  it('are all where there is no registry', () => {
    const plain: ModelDirectory = { list: () => [] }
    expect(modelsForApp(plain, [])).toBe(plain)
  })
})

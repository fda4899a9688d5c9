import { expect, test } from 'vitest'
import { createRelayApp } from '../../src/relay/app.ts'
import { configFor } from './parties.ts'

test.each([200, 400, 413, 422, 429, 500, 503])(
  'an exchange the gateway answers with %i gives its place back',
  async (status) => {
    const app = createRelayApp({
      config: configFor({ demo: 'http://gateway.internal:1' }, { exchanges: 1 }),
      upstream: async () => ({
        status,
        contentType: 'message/ohttp-res',
        body: new Response('sealed').body!,
      }),
    })
    const post = async (): Promise<string> => {
      const response = await app(
        new Request('http://relay/relay/demo', {
          method: 'POST',
          headers: { 'content-type': 'message/ohttp-req' },
          body: 'sealed',
        }),
      )
      return `${response.status} ${await response.text()}`
    }
    const first = await post()
    expect(await post()).toBe(first)
  },
)

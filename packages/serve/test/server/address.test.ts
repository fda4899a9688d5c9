import { expect, it } from 'vitest'
import { startServer } from '../../src/server/index.ts'

const app = (): Promise<Response> => Promise.resolve(new Response('ok'))

it('says which address is taken', async () => {
  const first = await startServer(app, { host: '127.0.0.1', port: 0 })
  try {
    await expect(startServer(app, { host: '127.0.0.1', port: first.port })).rejects.toMatchObject({
      code: 'ROLE_ADDRESS',
      action: 'fix-input',
      found: 'EADDRINUSE',
      message: `cannot listen on 127.0.0.1:${first.port}`,
    })
  } finally {
    await first.close()
  }
})

import inspector from 'node:inspector'
import { startRole } from '../../src/role/index.ts'
import { startServer } from '../../src/server/index.ts'

/** A role whose behaviour the test chooses by the name of its configuration. */
await startRole({
  name: 'fixture',
  argv: process.argv,
  env: process.env,
  refuseSwap: false,
  ...(process.argv.includes('slow') || process.argv.includes('slower') ? { shutdownMs: 50 } : {}),
  async run(context) {
    if (context.configPath === 'throw') throw new Error('the secret is 1234')
    if (context.configPath === 'later')
      setTimeout(() => {
        throw new Error('the secret is 1234')
      }, 10)
    // oxlint-disable-next-line no-console
    console.log('the secret is 1234')
    const server = await startServer(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 200))
        return new Response(inspector.url() ?? 'closed')
      },
      { host: '127.0.0.1', port: 0 },
    )
    context.onShutdown(() => server.close())
    // Takes longer than the role has; one of the two says so.
    const slow = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      process.stderr.write('finished')
    }
    if (context.configPath === 'slow') context.onShutdown(slow)
    if (context.configPath === 'slower') context.onShutdown(slow, 5000)
    context.ready({ url: server.url })
  },
})

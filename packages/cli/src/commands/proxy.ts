import { type ProxyOwner, startProxy } from '@sotto/client/proxy'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../framework/index.ts'
import { openOwner, openProxySecret, ownerKeyFile, proxySecretFile } from '../owner/index.ts'
import { openService, TARGET_FLAGS } from '../service/index.ts'

/** `sotto proxy` */
export const proxy: Command = defineCommand({
  path: ['proxy'],
  summary: 'Serve the OpenAI API on this machine, verified and encrypted',
  description:
    'Verifies the service, then answers OpenAI and Azure OpenAI requests on a local address and sends ' +
    'them encrypted to verified enclaves only. /sotto/trust shows the verdict, /sotto/receipts the receipts.',
  flags: {
    ...TARGET_FLAGS,
    listen: { type: 'string', value: 'ADDRESS', summary: 'address to listen on (default 127.0.0.1)' },
    port: {
      type: 'number',
      short: 'p',
      value: 'PORT',
      summary: 'port (default 8787)',
      min: 0,
      max: 65_535,
      integer: true,
    },
    'api-key': {
      type: 'string',
      value: 'SECRET',
      summary: 'secret that local clients must present (SOTTO_API_KEY)',
    },
    owner: {
      type: 'string',
      value: 'FILE',
      summary: 'owner key, PEM: publish and remove models of that owner at /v1/sealed-models',
    },
    'owner-secret': {
      type: 'string',
      value: 'FILE',
      summary:
        'file with what a program presents to act for the owner (default ~/.config/sotto/proxy-owner.secret)',
    },
    'allow-origin': { type: 'string', value: 'ORIGIN', summary: 'web origin that may call the proxy' },
    'allow-host': { type: 'string', value: 'NAME', summary: 'further Host name to answer to' },
  },
  examples: ['sotto proxy', 'OPENAI_BASE_URL=http://127.0.0.1:8787/v1 OPENAI_API_KEY=any python app.py'],
  async run(context, _args, flags) {
    const apiKey = flags['api-key'] ?? (context.io.env['SOTTO_API_KEY'] || undefined)
    if (apiKey === '') throw cliError('CLI_USAGE', 'the local secret is empty')
    if (flags['owner-secret'] !== undefined && flags.owner === undefined)
      throw cliError('CLI_USAGE', '--owner-secret is for a proxy with --owner')
    const secretFile = proxySecretFile(context.io, flags['owner-secret'])
    const sotto = await openService(context, flags, { isLongLived: true })
    const owner =
      flags.owner === undefined ? undefined : await openOwnersDesk(context, flags.owner, secretFile)
    const running = await startProxy({
      sotto,
      ...(owner && { owner }),
      ...(flags.listen !== undefined && { host: flags.listen }),
      ...(flags.port !== undefined && { port: flags.port }),
      ...(apiKey !== undefined && { apiKey }),
      ...(flags['allow-origin'] !== undefined && { origins: [flags['allow-origin']] }),
      ...(flags['allow-host'] !== undefined && { allowedHosts: [flags['allow-host']] }),
    })
    context.onExit(() => running.close())
    if (context.global.json)
      context.json({
        url: running.url,
        software: sotto.trust.software,
        ...(owner && { ownerSecretFile: secretFile }),
      })
    else context.out(`OPENAI_BASE_URL=${running.url}/v1`)
    if (owner)
      context.note(`who acts for the owner presents what is in ${secretFile}, as Authorization: Bearer …`)
    context.note('press Ctrl-C to stop')
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve()
      else context.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return EXIT.interrupted
  },
})

/** The owner, and the secret that programs act for it with: made on first use. */
async function openOwnersDesk(
  { io }: CommandContext,
  keyFile: string,
  secretFile: string,
): Promise<ProxyOwner> {
  const [{ owner }, secret] = await Promise.all([
    openOwner(ownerKeyFile(io, keyFile)),
    openProxySecret(secretFile),
  ])
  return { owner, secret }
}

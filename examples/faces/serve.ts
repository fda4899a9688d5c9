import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { PublishedFaces } from './publish.ts'

/** What the page is told. All of it may be known: nothing in it is secret. */
export interface PageConfig extends PublishedFaces {
  readonly relay: string
  readonly gateway: string
  /** The trust policy that the page pins. */
  readonly policy: string
}

const PAGE = join(import.meta.dirname, 'page')

/** Nothing runs, loads or connects but what is named; the page makes no HTML out of text. */
function headersFor(relay: string): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${new URL(relay).origin}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
    'permissions-policy': 'camera=(self), microphone=(), geolocation=(), display-capture=()',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  }
}

/** Serves the page on this machine; the port must be the one that the relay lets pages come from. */
export async function servePage(config: PageConfig, port: number): Promise<{ url: string; close(): void }> {
  const files = new Map<string, { type: string; body: string | Uint8Array }>([
    ['/', { type: 'text/html; charset=utf-8', body: readFileSync(join(PAGE, 'index.html')) }],
    ...['page.css', 'parts.css'].map(
      (name) =>
        [`/${name}`, { type: 'text/css; charset=utf-8', body: readFileSync(join(PAGE, name)) }] as const,
    ),
    ['/icon.svg', { type: 'image/svg+xml', body: readFileSync(join(PAGE, 'icon.svg')) }],
    ['/page.js', { type: 'text/javascript; charset=utf-8', body: await bundle() }],
    ['/config.json', { type: 'application/json', body: JSON.stringify(config) }],
  ])
  const headers = headersFor(config.relay)
  let bound = port
  const server = createServer((request, response) =>
    answer(request, response, { files, headers, port: bound }),
  )
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  )
  bound = (server.address() as { port: number }).port
  return {
    url: `http://127.0.0.1:${bound}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  {
    files,
    headers,
    port,
  }: {
    files: ReadonlyMap<string, { type: string; body: string | Uint8Array }>
    headers: Readonly<Record<string, string>>
    port: number
  },
): void {
  const file = files.get(request.url ?? '')
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  const { host } = request.headers
  // The relay lets pages come from one origin: that with the number.
  if (host === `localhost:${port}`) response.writeHead(308, { location: `http://127.0.0.1:${port}/` }).end()
  // Any other name for this machine was made up by somebody else's page.
  else if (host !== `127.0.0.1:${port}`) response.writeHead(421).end()
  else if (request.method !== 'GET') response.writeHead(405, { allow: 'GET' }).end()
  else if (file === undefined) response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': file.type }).end(file.body)
}

/** The page's script, with the client and the verifier inside. */
async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, 'page.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    target: 'es2024',
    minify: true,
    legalComments: 'none',
  })
  return outputFiles[0]!.contents
}

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { buildConsole, type ConsoleFiles } from '../../../scripts/console/build.ts'
import type { StackOptions } from '../../../packages/cli/src/stack/start.ts'
import { startTestStack, type TestStack } from '../../stack/support.ts'

/** The pages of the console, served as strictly as they are anywhere. */
export interface ServedPages {
  /** `http://127.0.0.1:PORT`. */
  origin: string
  /** What `console.json` says from now on; until it is set the file is missing. */
  configure(config: object): void
  close(): Promise<void>
}

/** What a page needs that does not come from its own host: the relay alone. */
function policyOf(relay: string): string {
  const socket = relay.replace(/^http/, 'ws')
  return [
    `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:`,
    `connect-src 'self' ${relay} ${socket}; worker-src 'self' blob:; base-uri 'none'; form-action 'none'`,
    `frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
  ].join('; ')
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
}

/** Serves built pages on a port of its own. */
export async function servePages({ files }: ConsoleFiles): Promise<ServedPages> {
  let config: { relay: string } | undefined
  const server = createServer((request, response) => {
    const name = new URL(request.url!, 'http://page.invalid').pathname.slice(1) || 'index.html'
    const body = name === 'console.json' ? config && JSON.stringify(config) : files.get(name)
    if (body === undefined) return void response.writeHead(404).end()
    response
      .writeHead(200, {
        'content-type': TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
        'content-security-policy': policyOf(config?.relay ?? "'self'"),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'permissions-policy': 'microphone=(self)',
        'cache-control': 'no-store',
      })
      .end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    configure: (next) => (config = next as { relay: string }),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Chromium in front of the pages and a service of built images behind them, for one test file. */
export interface OpenConsole {
  stack: TestStack
  origin: string
  browser: Browser
  /** What `console.json` says. */
  config: { relay: string; gateway: string; policy: object }
  configure(config: object): void
  /** A page with storage of its own, at an address like `#/trust`, or at `about:blank`. */
  open(hash?: string, options?: BrowserContextOptions): Promise<ConsolePage>
  close(): Promise<void>
}

/** One tab. */
export interface ConsolePage {
  page: Page
  context: BrowserContext
  /** What the browser said on its console at level error, and every exception. */
  complaints: string[]
  /** Addresses of all requests so far, with their method. */
  requests: string[]
}

/** How to open it. */
export interface OpenConsoleOptions {
  /** Of `findChromium()`. */
  executablePath: string
  stack?: Partial<StackOptions>
  /** More arguments of Chromium, such as a recording for its fake microphone. */
  args?: readonly string[]
}

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Builds the pages, starts a service that lets them in, and opens Chromium. */
export async function openConsole(options: OpenConsoleOptions): Promise<OpenConsole> {
  const pages = await servePages(await buildConsole())
  let stack: TestStack | undefined
  let browser: Browser | undefined
  const close = async (): Promise<void> => {
    await browser?.close()
    await stack?.close()
    await pages.close()
  }
  try {
    const starting = startTestStack({ ...options.stack, browserOrigins: [pages.origin] })
    browser = await chromium.launch({
      executablePath: options.executablePath,
      args: [...ARGS, ...(options.args ?? [])],
    })
    stack = await starting
    const config = { relay: stack.relayUrl, gateway: stack.gateway, policy: stack.policy }
    pages.configure(config)
    return { ...pages, stack, browser, config, open: opener(browser, pages.origin), close }
  } catch (error) {
    await close()
    throw error
  }
}

function opener(browser: Browser, origin: string): OpenConsole['open'] {
  return async (hash = '', options = {}) => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    const complaints: string[] = []
    const requests: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    context.on('request', (request) => requests.push(`${request.method()} ${request.url()}`))
    await page.goto(hash === 'about:blank' ? hash : `${origin}/${hash}`)
    return { page, context, complaints, requests }
  }
}

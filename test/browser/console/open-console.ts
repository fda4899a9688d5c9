import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import {
  findPages,
  loadPages,
  type RunningPages,
  servePages,
} from '../../../packages/cli/src/console/index.ts'
import type { TrustPolicy } from '@sotto/verifier'
import type { StackOptions } from '../../../packages/cli/src/stack/types.ts'
import { startTestStack, type TestStack } from '../../stack/support.ts'

/** Chromium in front of the pages and a service of built images behind them, for one test file. */
export interface OpenConsole {
  stack: TestStack
  origin: string
  browser: Browser
  /** What `console.json` says at first. */
  config: { relay: string; gateway: string; policy: TrustPolicy }
  /** Serves the same pages for another relay, at the same address. */
  configure(config: OpenConsole['config']): Promise<void>
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

/** Serves the built pages as `sotto console` does, starts a service that lets them in, and opens Chromium. */
export async function openConsole(options: OpenConsoleOptions): Promise<OpenConsole> {
  const pages = await loadPages(await findPages())
  // The service has to know the address before there is anything to say to the pages.
  let served: RunningPages = await servePages(
    { pages, config: { relay: 'http://127.0.0.1:1', gateway: '', policy: {} } },
    0,
  )
  const origin = served.url
  const starting = startTestStack({ ...options.stack, browserOrigins: [origin] })
  // Waited for below; meanwhile its failure is nobody's.
  starting.catch(() => {})
  let browser: Browser | undefined
  const configure: OpenConsole['configure'] = async (config) => {
    await served.close()
    served = await servePages({ pages, config }, Number(new URL(origin).port))
  }
  const close = async (): Promise<void> => {
    await browser?.close()
    await (await starting.catch(() => undefined))?.close()
    await served.close()
  }
  try {
    browser = await chromium.launch({
      executablePath: options.executablePath,
      args: [...ARGS, ...(options.args ?? [])],
    })
    const stack = await starting
    const config = { relay: stack.relayUrl, gateway: stack.gateway, policy: stack.policy }
    await configure(config)
    return { stack, origin, browser, config, configure, open: opener(browser, origin), close }
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

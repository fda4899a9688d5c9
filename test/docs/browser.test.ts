import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildSite } from '../../scripts/docs/site.ts'
import { siteSource } from '../../scripts/docs/source.ts'
import { findChromium } from '../browser/find-chromium.ts'

const executablePath = findChromium()
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
}

describe.skipIf(!executablePath)('the documentation in Chromium, under a strict policy', () => {
  let browser: Browser
  let server: Server
  let origin: string
  beforeAll(async () => {
    const site = buildSite(await siteSource(resolve(import.meta.dirname, '../..'), { reference: false }))
    server = createServer((request, response) => {
      const address = new URL(request.url!, 'http://docs.invalid').pathname.slice(1)
      const body = site.get(address)
      const type = TYPES[address.slice(address.lastIndexOf('.') + 1)] ?? 'text/plain'
      response
        .writeHead(body ? 200 : 404, { 'content-type': type, 'content-security-policy': POLICY })
        .end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--disable-gpu'],
    })
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  /** A tab, and what the browser complained of: scripts, styles or pictures that the policy stopped are among that. */
  async function open(options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await browser.newContext(options)).newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on(
      'response',
      (response) => response.ok() || complaints.push(`${response.status()} ${response.url()}`),
    )
    page.on('request', (request) => request.url().startsWith(origin) || complaints.push(request.url()))
    return { page, complaints }
  }

  it.each([
    ['wide', 'light', { width: 1280, height: 860 }, ['index.html', 'reference/http-text.html']],
    ['phone', 'dark', { width: 320, height: 640 }, ['concepts/chain-of-trust.html', 'threat-model.html']],
  ] as const)(
    '%s and %s: axe finds nothing, nothing is stopped, nothing is too wide',
    async (_, colorScheme, viewport, pages) => {
      const { page, complaints } = await open({ colorScheme, viewport })
      for (const address of pages) {
        await page.goto(`${origin}/${address}`)
        const found = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
          `(async () => { ${AXE}; return globalThis.axe.run() })()`,
        )
        expect(found.violations.map(({ id, nodes }) => `${address}: ${id}: ${nodes[0]!.html}`)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), address).toBe(0)
        expect(
          await page.evaluate('[...document.images].every((image) => image.naturalWidth > 0)'),
          address,
        ).toBe(true)
      }
      expect(complaints).toEqual([])
    },
  )

  it('search goes by the keys: from anywhere into the field, through what was found, and there', async () => {
    const { page, complaints } = await open({ viewport: { width: 1280, height: 860 } })
    await page.goto(`${origin}/faq.html`)
    await page.keyboard.press('/')
    await page.keyboard.type('witness quorum')
    await page.getByRole('status').filter({ hasText: 'found' }).waitFor()
    await page.keyboard.press('ArrowDown')
    expect(await page.evaluate('document.activeElement.closest("#search-results") !== null')).toBe(true)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\.html#?/)
    await page.waitForURL((url) => !url.pathname.endsWith('/faq.html'))
    await page.keyboard.press('/')
    await page.keyboard.type('no such word anywhere')
    await page.getByText('Nothing found').waitFor()
    await page.keyboard.press('Escape')
    expect(await page.locator('#search').inputValue()).toBe('')
    expect(complaints).toEqual([])
  })

  it('without scripts everything but the search is there, the menu of a phone too', async () => {
    const { page } = await open({ viewport: { width: 390, height: 844 }, javaScriptEnabled: false })
    await page.goto(`${origin}/concepts/receipts.html`)
    expect(await page.locator('search').isVisible()).toBe(false)
    const link = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Quickstart' })
    expect(await link.isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Menu' }).click()
    await link.click()
    await page.waitForURL(/quickstart\.html$/)
    await page.getByRole('link', { name: 'Next FAQ' }).click()
    await page.waitForURL(/faq\.html$/)
  })
})

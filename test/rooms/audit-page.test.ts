import { type Browser, chromium } from 'playwright-core'
import { auditRuns, drawPage, drawSvg } from '@sotto/client/rooms/audit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trustPolicyOf } from '../../packages/kms/test/client.ts'
import { findChromium } from '../browser/find-chromium.ts'
import { ProofWorld } from './support/run-proofs.ts'

const executablePath = findChromium()

describe.skipIf(!executablePath)('the page of an audit, in Chromium', () => {
  let browser: Browser
  let html: string
  let svg: string
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] })
    const world = await ProofWorld.open({ title: '<img src=x onerror=alert(1)> & friends' })
    const proof = await world.prove()
    const broken = { ...proof, view: { ...proof.view, outputs: [] } }
    const audit = auditRuns([proof, broken], trustPolicyOf(world.world))
    html = drawPage(audit, { sources: ['run.json', '<script>alert(1)</script>'] })
    svg = drawSvg(audit.graph!)
  })
  afterAll(() => browser.close())

  /** The page at a width, with everything that it complained about or asked for. */
  async function open(content: string, width: number, colorScheme: 'light' | 'dark' = 'light') {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
    const trouble: string[] = []
    page.on('console', (message) => trouble.push(message.text()))
    page.on('pageerror', (error) => trouble.push(String(error)))
    page.on('dialog', (dialog) => {
      trouble.push('a dialog')
      void dialog.dismiss()
    })
    page.on('request', (request) => trouble.push(request.url()))
    await page.setContent(content)
    return { page, trouble }
  }

  it.each([390, 768, 1200])('fits a screen of %i pixels, and only the drawing scrolls', async (width) => {
    const { page, trouble } = await open(html, width)
    const found = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - window.innerWidth,
      drawing: getComputedStyle(document.querySelector('.drawing')!).overflowX,
      boxes: document.querySelectorAll('.box').length,
    }))
    expect(found).toEqual({ overflow: 0, drawing: 'auto', boxes: 4 })
    expect(trouble).toEqual([])
    await page.close()
  })

  it('shows what others wrote as text, and its own styles under its own policy', async () => {
    const { page, trouble } = await open(html, 1200)
    expect(await page.locator('h1').textContent()).toBe('<img src=x onerror=alert(1)> & friends')
    expect(await page.locator('.told').first().textContent()).toContain('<script>alert(1)</script>')
    expect(await page.locator('img, script').count()).toBe(0)
    const isStyled = await page.evaluate(() => {
      const border = getComputedStyle(document.querySelector('.drawing')!).borderTopWidth
      return [border, getComputedStyle(document.querySelector('.room-graph .name')!).fontWeight]
    })
    expect(isStyled).toEqual(['1px', '600'])
    expect(trouble).toEqual([])
    await page.close()
  })

  it('is dark for whoever has it dark, as page and as picture', async () => {
    const colours = async (content: string, scheme: 'light' | 'dark'): Promise<string> => {
      const { page } = await open(content, 1200, scheme)
      const colour = await page.evaluate(
        () => getComputedStyle(document.querySelector('.room-graph .ground')!).fill,
      )
      await page.close()
      return colour
    }
    for (const content of [html, svg]) {
      expect(await colours(content, 'light')).toBe('rgb(255, 255, 255)')
      expect(await colours(content, 'dark')).toBe('rgb(20, 23, 27)')
    }
  })

  it('is well-formed as a file of its own', async () => {
    const { page } = await open('', 1200)
    const problem = await page.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, 'image/svg+xml')
      return parsed.querySelector('parsererror')?.textContent ?? parsed.documentElement.localName
    }, svg)
    expect(problem).toBe('svg')
    await page.close()
  })
})

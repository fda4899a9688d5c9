import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toBase64, utf8 } from '@sotto/protocol/bytes'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { parseSavedReceipt } from '@sotto/protocol/receipts'
import { createWorld, type World } from '@sotto/testkit'
import { fakeAmd } from '@sotto/testkit/snp'
import { snpTee } from '@sotto/testkit/tee'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { type TrustPolicy, verifyReceipt } from '@sotto/verifier'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../claims.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'
import { AXE, PAGES, PICTURES, violations } from './shell.ts'

/** A certificate of AMD as the verifier's code has it. */
const PINNED_ARK = /MIIGYzCCBBKg[A-Za-z0-9+/=]+/g
const PRODUCTS = ['milan', 'genoa', 'turin'] as const

/** What people look at to believe: the shield, the chain, evidence, receipts. */
export function trustTests(desk: () => OpenConsole): void {
  describe('the shield', () => {
    const amd = fakeAmd()
    let world: World
    beforeAll(async () => void (world = await createWorld({ now: FAKE_NOW, tee: snpTee(amd) })))

    /** A tab whose service is on such a machine, and whose verifier holds its maker to be AMD. */
    async function open(policy: TrustPolicy): Promise<ConsolePage> {
      const { relay, gateway } = desk().config
      const tab = await desk().open('about:blank')
      await tab.page.clock.setFixedTime(FAKE_NOW * 1000)
      await tab.page.route('**/console.json', (route) => route.fulfill({ json: { relay, gateway, policy } }))
      await tab.page.route(`${relay}/relay/${gateway}/trust`, (route) =>
        route.fulfill({
          contentType: 'application/json',
          headers: { 'access-control-allow-origin': desk().origin },
          body: Buffer.from(encodeTrustBundle(world.bundle)),
        }),
      )
      await tab.page.route('**/*.js', async (route) => {
        const response = await route.fetch()
        const arks = PRODUCTS.map((product) => toBase64(amd.roots.arks[product].der))
        await route.fulfill({
          response,
          body: (await response.text()).replace(PINNED_ARK, () => arks.shift()!),
        })
      })
      await tab.page.goto(`${desk().origin}/#/trust`)
      return tab
    }
    const kindOf = async ({ page }: ConsolePage): Promise<string | null> => {
      await page.locator('.shield:not([data-kind="verifying"])').waitFor()
      return page.locator('.shield').getAttribute('data-kind')
    }

    it(
      claim(
        'T21',
        'is green for hardware, when every step that the policy requires has passed, and for nothing else',
      ),
      async () => {
        const green = await open(world.policy)
        expect([
          await kindOf(green),
          await green.page.locator('li[data-status="fail"]').allTextContents(),
        ]).toEqual(['verified', []])
        expect(await green.page.locator('.banner.software').count()).toBe(0)
        expect(await green.page.locator('li[data-status="fail"]').count()).toBe(0)
        await green.page.screenshot({ path: join(PICTURES, 'trust-verified-wide.png'), fullPage: true })
        const skipped = await green.page.locator('li[data-status="skipped"] code').allTextContents()
        expect(skipped.length).toBeGreaterThan(0)
        await green.context.close()
        // One that this world leaves out is enough.
        const [step] = skipped
        const asked = await open({ ...world.policy, require: [...world.policy.require, step!] as never })
        expect(await kindOf(asked)).toBe('refused')
        // It is no failure, and no longer one that may be left out.
        const missing = asked.page.locator('.steps li', { has: asked.page.getByText(step!, { exact: true }) })
        expect(await missing.getAttribute('data-status')).toBe('skipped')
        expect(await missing.locator('.optional').count()).toBe(0)
        await asked.context.close()
      },
    )
  })

  describe('the page Trust', () => {
    it('opens every step to what was expected and found, and gives evidence and verdict away', async () => {
      const { page, context } = await desk().open('#/trust')
      await page.locator('.shield[data-kind="software"]').waitFor()
      const stations = page.locator('.chain > li')
      expect(await stations.count()).toBeGreaterThan(4)
      for (const station of await stations.all()) {
        await station.locator('summary').click()
        expect(await station.locator('.steps').isVisible()).toBe(true)
      }
      expect(await page.locator('.chain dt', { hasText: 'Expected' }).count()).toBeGreaterThan(3)
      await page.getByRole('button', { name: 'Show' }).first().click()
      expect(JSON.parse(await page.locator('pre[aria-labelledby=evidence-title]').innerText())).toMatchObject(
        { version: 1 },
      )
      const verdict = JSON.parse(await downloaded(page, 'Export verdict')) as {
        ok: boolean
        steps: unknown[]
      }
      expect(verdict.ok).toBe(true)
      expect(verdict.steps.length).toBeGreaterThan(15)
      await context.close()
    })
  })

  describe('the page Receipts', () => {
    it(
      claim(
        'chain.inference-receipt',
        'keeps the receipt of an answer, verifies it, gives it away, reads it back, and erases it',
      ),
      { timeout: 30_000 },
      async () => {
        const { page, context } = await desk().open('#/assistant')
        await page.locator('.shield[data-kind="software"]').waitFor()
        await page.getByLabel('Your message').fill('Who can read my words?')
        await page.getByLabel('Your message').press('Enter')
        await page.getByText('Receipt verified').waitFor()
        await page.evaluate(`location.hash = '#/receipts'`)
        const kept = page.locator('.receipts .receipt')
        await kept.first().waitFor()
        expect(await kept.count()).toBe(1)
        await kept.getByRole('button', { name: 'Verify' }).click()
        await page.locator('.outcome[data-ok="true"]').waitFor()
        const shared = await downloaded(page, 'Share')
        const judged = verifyReceipt(parseSavedReceipt(utf8(shared)), desk().config.policy, {})
        expect(judged.ok).toBe(true)
        expect(parseStrictJson(shared)).toHaveProperty('trust')
        const choose = (text: string): Promise<void> =>
          page.locator('input[type=file]').setInputFiles({
            name: 'receipt.json',
            mimeType: 'application/json',
            buffer: Buffer.from(text),
          })
        await choose(shared)
        const given = page.locator('section', { has: page.locator('#given-title') })
        await given.getByRole('button', { name: 'Verify' }).click()
        await given.locator('.outcome[data-ok="true"]').waitFor()
        await choose('{"no":"receipt"}')
        await page.locator('main .notice').waitFor()
        page.on('dialog', (dialog) => void dialog.accept())
        await page.getByRole('button', { name: 'Erase' }).click()
        await page.getByText('No receipts yet').waitFor()
        await context.close()
      },
    )
  })

  describe('pages that an operator serves', () => {
    it(claim('T21.served', 'say so on every one of them, without a violation'), async () => {
      const tab = await desk().open('about:blank')
      await tab.context.route('https://chat.example/**', async (route) => {
        const { pathname } = new URL(route.request().url())
        const response = await fetch(`${desk().origin}${pathname}`)
        const headers = Object.fromEntries(response.headers)
        await route.fulfill({
          status: response.status,
          headers,
          body: Buffer.from(await response.arrayBuffer()),
        })
      })
      await tab.page.goto('https://chat.example/')
      await tab.page.evaluate(AXE)
      for (const at of PAGES) {
        await tab.page.evaluate(`location.hash = '#/${at}'`)
        await tab.page.locator(`main[data-page="${at}"] h1`).waitFor()
        expect(await tab.page.locator('.banner.served').innerText()).toContain('chat.example')
        expect(await violations(tab.page), at).toEqual([])
      }
      await tab.page.screenshot({ path: join(PICTURES, 'served-wide.png') })
      await tab.context.close()
    })
  })
}

/** What a button saves. */
async function downloaded(page: Page, name: string): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name }).click(),
  ])
  return readFileSync(await download.path(), 'utf8')
}

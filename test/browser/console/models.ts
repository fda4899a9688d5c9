import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { modelOwner } from '@sotto/client'
import { ownerKeyPem } from '@sotto/client/models'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findLayout } from '../../../packages/cli/src/stack/layout.ts'
import { claim } from '../../claims.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'

const LONG = 90_000
const { models } = findLayout(import.meta.url)
const NOTES = readFileSync(join(models, 'demo', 'notes.txt'), 'utf8')
const MODEL = join(models, 'sotto-tiny-story-en', 'sotto-tiny-story-en.gguf')
const WEIGHTS = readFileSync(MODEL)
/** From the middle of the weights: some bytes that are nowhere else. */
const MARKER = WEIGHTS.subarray(1_500_000, 1_500_024)
/** Only parts of an upload are so large. */
const PART = 500_000

const SEED = new Uint8Array(32).fill(7)
/** Whom the service of these tests admits. */
export const OWNER = modelOwner(SEED)

/** The pages Summarise and Models. */
export function modelsTests(desk: () => OpenConsole): void {
  describe('the pages Summarise and Models', () => {
    let tab: ConsolePage
    let page: Page
    beforeAll(async () => {
      tab = await desk().open('#/summarise')
      ;({ page } = tab)
    })
    afterAll(() => tab?.context.close())

    it(
      'a summary is written beside its original, and scored beside a reference',
      { timeout: LONG },
      async () => {
        await page.locator('.original textarea').fill(NOTES.slice(0, 6000))
        await page.locator('.reference summary').click()
        await page.getByLabel('Reference summary').fill(NOTES.slice(0, 600))
        const start = page.getByRole('button', { name: 'Summarise', exact: true })
        await start.click()
        await page.getByText('with a receipt that holds').waitFor()
        const summary = await page.locator('.summary .text').innerText()
        expect(summary.split(/\s+/).length).toBeGreaterThan(100)
        for (const score of ['rouge1', 'rouge2', 'rougeL', 'bleu'])
          expect(Number(await page.locator(`[data-score=${score}]`).innerText())).toBeGreaterThan(0)
        const places = await Promise.all(
          ['.original', '.summary'].map((name) => page.locator(name).boundingBox()),
        )
        expect(places[1]!.x).toBeGreaterThan(places[0]!.x + places[0]!.width)

        // Longer than this model takes: it goes in parts, each shown while it is written, until somebody has seen enough.
        await page.getByLabel('Model').selectOption('sotto-tiny-story-en')
        await page.getByLabel('Length').selectOption('short')
        // A fast machine is through before anybody outside could click: the page itself sees every state.
        const part = page.evaluate(
          () =>
            new Promise<string>((resolve) => {
              const look = (): void => {
                const said = document.querySelector('.summary')?.textContent?.match(/Part 2 of \d+/)?.[0]
                const text = document.querySelector('.summary .text')?.textContent ?? ''
                const cancel = [...document.querySelectorAll('button')].find(
                  ({ textContent }) => textContent.trim() === 'Cancel',
                )
                if (said === undefined || !/\w/.test(text) || cancel === undefined) return
                observer.disconnect()
                cancel.click()
                resolve(said)
              }
              const observer = new MutationObserver(look)
              observer.observe(document.body, { subtree: true, childList: true, characterData: true })
            }),
        )
        await start.click()
        expect(await part).toMatch(/^Part 2 of [2-9]$/)
        await page.getByText('Cancelled.').waitFor()

        await page.waitForTimeout(600)
        await page.reload()
        await page.getByText('1,130 words, 6,000 characters').waitFor()
        expect(await page.getByLabel('Reference summary').inputValue()).toBe(NOTES.slice(0, 600))
        expect(await page.locator('.summary .text').innerText()).toBe(summary)
      },
    )

    it(
      claim(
        'models.sealed',
        'a model is sealed in the page, goes on after a cut and a reload, and is deleted',
      ),
      { timeout: LONG },
      async () => {
        await page.goto(`${desk().origin}/#/models`)
        await page.locator('[data-model=sotto-tiny-story-en]').getByText('tokens').waitFor()
        expect(await page.locator('[data-model]').count()).toBe(4)
        await page.locator('input[accept=".key,.pem"]').setInputFiles({
          name: 'owner.key',
          mimeType: 'application/x-pem-file',
          buffer: Buffer.from(ownerKeyPem(SEED)),
        })
        await page.locator(`[data-owner="${OWNER.tag}"]`).waitFor()
        await page.getByText('You have published no model here.').waitFor()

        const sent: Buffer[] = []
        const cut = Promise.withResolvers<void>()
        const large = (): Buffer[] => sent.filter(({ length }) => length > PART)
        await page.route(`${desk().config.relay}/**`, async (route: Route) => {
          sent.push(route.request().postDataBuffer() ?? Buffer.alloc(0))
          if ((sent.at(-1)?.length ?? 0) <= PART) return route.continue()
          // The second part is lost on the way, and so is the one after it, with the page.
          if (large().length === 2) return route.abort('connectionreset')
          if (large().length !== 4) return route.continue()
          cut.resolve()
          return route.abort('connectionreset')
        })
        await page.locator('.drop input').setInputFiles(MODEL)
        await page.getByLabel('Name').fill('story')
        await page.getByText('Only an enclave that satisfies the key policy in force').waitFor()
        await page.getByRole('button', { name: 'Seal and upload' }).click()
        await cut.promise
        await page.reload({ timeout: 20_000 })
        const before = large().length
        await page.getByText('The upload of story was not finished.').waitFor()
        await page.locator('.drop input').setInputFiles(MODEL)
        expect(await page.getByLabel('Name').inputValue()).toBe('story')
        await page.getByRole('button', { name: 'Seal and upload' }).click()
        await page.locator('.upload[data-phase=done]').waitFor()
        expect(large().length - before, 'only what was missing').toBe(1)
        expect(large().reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(WEIGHTS.length)
        expect(WEIGHTS.includes(MARKER)).toBe(true)
        expect(sent.filter((bytes) => bytes.includes(MARKER))).toEqual([])
        // Everything that is sent is sealed, to one address: the parts of a model as well.
        const { relay, gateway } = desk().config
        const posts = tab.requests.filter((request) => request.startsWith('POST'))
        expect([...new Set(posts)]).toEqual([`POST ${relay}/relay/${gateway}`])

        const own = page.locator(`[data-own="${OWNER.tag}/story:1"]`)
        await own.waitFor()
        await page.goto(`${desk().origin}/#/summarise`)
        await page
          .getByRole('option', { name: `${OWNER.tag}/story:1 (chat model, yours)` })
          .waitFor({ state: 'attached' })
        await page.goto(`${desk().origin}/#/models`)
        await own.getByRole('button', { name: 'Delete' }).click()
        const go = own.getByRole('button', { name: 'Yes, for good' })
        await own.getByLabel('Type story to confirm').fill('stor')
        expect(await go.isDisabled()).toBe(true)
        await own.getByLabel('Type story to confirm').fill('story')
        await go.click()
        await page.getByText('1 content key is destroyed').waitFor()
        await own.waitFor({ state: 'detached' })
        expect(tab.complaints.filter((text) => !text.includes('ERR_CONNECTION_RESET'))).toEqual([])
      },
    )
  })
}

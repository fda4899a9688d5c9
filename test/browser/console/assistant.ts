import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Line, openLine } from './line.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'

/** The page Assistant, with the fake microphone that speaks. */
export function assistantTests(desk: () => OpenConsole): void {
  describe('the page Assistant', () => {
    let line: Line
    let first: ConsolePage
    let page: Page
    beforeAll(async () => {
      line = await openLine(desk().config.relay)
      await desk().configure({ ...desk().config, relay: line.url })
      first = await desk().open('#/assistant', { permissions: ['microphone'] })
      page = first.page
      await page.locator('.shield[data-kind=software]').waitFor()
    })
    afterAll(async () => {
      await desk().configure(desk().config)
      await first?.context.close()
      line?.close()
    })

    const ask = async (text: string): Promise<void> => {
      // While an answer comes, the button stops it, and Enter leaves the text where it is.
      await page.locator('button.send').waitFor()
      await page.getByLabel('Your message').fill(text)
      await page.getByLabel('Your message').press('Enter')
    }
    afterEach(() => void (line.isSlow = false))
    const answers = () => page.locator('.said[data-role=assistant]')
    /** Everything the browser keeps for these pages, but receipts and checkpoints, which hold no content. */
    const kept = (): Promise<string> =>
      page.evaluate(
        () =>
          new Promise<string>((resolve, reject) => {
            const opening = indexedDB.open('sotto-console')
            opening.onerror = () => reject(opening.error!)
            opening.onsuccess = () => {
              const request = opening.result
                .transaction('conversations')
                .objectStore('conversations')
                .getAll()
              request.onsuccess = () => {
                opening.result.close()
                resolve(JSON.stringify(request.result))
              }
            }
          }),
      )

    it('an answer comes word by word, with its receipt', { timeout: 20_000 }, async () => {
      line.isSlow = true
      await ask('Who can read my words?')
      await page.locator('.said[data-end=coming] .said-text').waitFor()
      line.isSlow = false
      await page.getByText('Receipt verified').waitFor()
      expect((await answers().locator('.said-text').innerText()).length).toBeGreaterThan(10)
      expect(await page.getByLabel('Your message').inputValue()).toBe('')
    })

    it(
      'what is said is read while the key is held, and answered when it is let go',
      { timeout: 30_000 },
      async () => {
        await page.locator('h1').click()
        await page.keyboard.down(' ')
        await page.locator('.heard', { hasText: /\w/ }).waitFor()
        const partial = await page.locator('.heard').innerText()
        expect(await page.locator('.talk').getAttribute('data-phase')).toBe('listening')
        expect(await page.locator('.said[data-role=user]').count()).toBe(1)
        await page.keyboard.up(' ')
        await page.getByText('Receipt verified').nth(1).waitFor()
        const question = await page.locator('.said[data-role=user] .said-text').nth(1).innerText()
        expect(question.startsWith(partial.trim())).toBe(true)
        // There is no voice of this machine here, and none of a server speaks in its place.
        await page.getByText('Silent: this device has no voice').waitFor()
        expect(first.complaints).toEqual([])
      },
    )

    it(
      'turns that no longer fit are dropped in sight; another tab sees the history',
      { timeout: 30_000 },
      async () => {
        const other = await first.context.newPage()
        await other.goto(`${desk().origin}/#/assistant`)
        await page.getByRole('button', { name: 'New' }).click()
        await ask(`Once upon a time ${'there was a king '.repeat(50)}`)
        await page.getByText('Receipt verified').waitFor()
        await ask(`And then ${'there was a queen '.repeat(50)}`)
        await page.getByText('The model has no room left').waitFor()
        expect(await page.locator('.forgotten + .said').innerText()).toContain('And then')
        await other.locator('.history-item .open', { hasText: 'Once upon a time' }).waitFor()
        await other.close()
      },
    )

    it(
      'a stop is at once; an answer that the network cut stays, and is asked again',
      { timeout: 30_000 },
      async () => {
        await page.getByRole('button', { name: 'New' }).click()
        line.isSlow = true
        await ask('Tell me a story.')
        await page.locator('.said[data-end=coming] .said-text').waitFor()
        await page.getByRole('button', { name: 'Stop' }).click()
        await page.locator('.said[data-end=stopped]').waitFor()
        await ask('Tell me another story.')
        await page.locator('.said[data-end=coming] .said-text').waitFor()
        const partial = await answers().last().locator('.said-text').innerText()
        line.cut()
        await page.locator('.said[data-end=cut]').waitFor()
        expect(await answers().last().locator('.said-text').innerText()).toContain(partial)
        expect(await page.getByRole('alert').count()).toBe(1)
        await page.getByLabel('Your message').fill('a draft')
        line.isSlow = false
        await page.getByRole('button', { name: 'Try again' }).click()
        await answers().last().getByText('Receipt verified').waitFor()
        expect(await page.locator('.said[data-end=cut]').count()).toBe(0)
        await page.locator('nav a[href="#/trust"]').click()
        await page.locator('nav a[href="#/assistant"]').click()
        expect(await page.getByLabel('Your message').inputValue()).toBe('a draft')
      },
    )

    it('conversations survive a reload, and erased they leave nothing', { timeout: 20_000 }, async () => {
      await page.reload()
      await page.locator('.history-item .open', { hasText: 'Who can read' }).click()
      expect(await answers().count()).toBe(2)
      page.on('dialog', (dialog) => void dialog.accept())
      await page.locator('.history-item', { hasText: 'Who can read' }).locator('summary').click()
      await page.getByRole('button', { name: 'Erase', exact: true }).click()
      await page.locator('.history-item', { hasText: 'Who can read' }).waitFor({ state: 'detached' })
      expect(await kept()).not.toContain('Who can read')
      await page.getByRole('button', { name: 'Erase all' }).click()
      await page.getByText('Nothing yet.').waitFor()
      expect(await kept()).toBe('[]')
    })

    it('without a microphone the page says what to do, and text goes on', { timeout: 20_000 }, async () => {
      await first.context.clearPermissions()
      await page.locator('.talk').press('Enter')
      await page.getByText('The microphone is not allowed').waitFor()
      await ask('Who can read my words?')
      await page.getByText('Receipt verified').waitFor()
      expect(await page.getByText('The microphone is not allowed').count()).toBe(0)
    })
  })
}

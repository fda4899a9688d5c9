import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drop } from './give-files.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'

const NOTE = join(import.meta.dirname, '../../../models/demo/session-note.wav')

/** Two tabs of one browser, and somebody who types in both. */
export function twoTabsTests(desk: () => OpenConsole): void {
  describe('in two tabs', () => {
    let tab: ConsolePage
    let tabs: readonly [Page, Page]
    beforeAll(async () => {
      tab = await desk().open('#/summarise')
      tabs = [tab.page, await tab.context.newPage()]
      for (const page of tabs) page.on('dialog', (dialog) => void dialog.accept())
    })
    afterAll(() => tab?.context.close())

    const both = <T>(work: (page: Page, at: 0 | 1) => Promise<T>): Promise<[T, T]> =>
      Promise.all([work(tabs[0], 0), work(tabs[1], 1)])
    const reload = (): Promise<unknown> => both((page) => page.reload())
    const show = (name: string): Promise<unknown> =>
      both(async (page) => {
        await page.goto(`${desk().origin}/#/${name}`)
        await page.locator(`main[data-page="${name}"] h1`).waitFor()
      })

    it('a text to be summarised is that of its tab, and a new tab begins with the last', async () => {
      const [first, second] = tabs
      const text = (page: Page) => page.locator('.original textarea')
      await text(first).fill('from before')
      await expect.poll(() => kept(first, 'values')).toContain('from before')
      await show('summarise')
      await expect.poll(() => text(second).inputValue()).toBe('from before')
      await text(first).fill('of the first')
      await text(second).fill('of the second')
      await reload()
      expect(await both((page) => text(page).inputValue())).toEqual(['of the first', 'of the second'])
      await second.getByRole('button', { name: 'Clear' }).click()
      await expect.poll(() => kept(second, 'values')).not.toContain('of the')
      await reload()
      expect(await both((page) => text(page).inputValue())).toEqual(['of the first', ''])
      expect(await stored(second)).not.toContain('of the')
    })

    it('a message that is not sent is that of its tab, and erased with all of them', async () => {
      await show('assistant')
      const [first, second] = tabs
      const box = (page: Page) => page.getByLabel('Your message')
      await first.locator('.shield[data-kind="software"]').waitFor()
      await box(first).fill('Who can read my words?')
      await box(first).press('Enter')
      await first.getByText('Receipt verified').waitFor()
      await box(first).fill('for one answer')
      await box(second).fill('for another answer')
      await reload()
      expect(await both((page) => box(page).inputValue())).toEqual(['for one answer', 'for another answer'])
      await first.getByRole('button', { name: 'Erase all' }).click()
      await expect.poll(() => box(second).inputValue()).toBe('')
      expect(await box(first).inputValue()).toBe('')
      for (const text of await both(stored)) expect(text).not.toContain('answer')
      expect(await kept(first, 'conversations')).toBe('[]')
      await reload()
      expect(await both((page) => box(page).inputValue())).toEqual(['', ''])
    })

    it('edits of one transcript are all there', async () => {
      await show('transcribe')
      const [first, second] = tabs
      const segment = (page: Page, at: number) => page.locator('.segment textarea').nth(at)
      await first.locator('.shield[data-kind="software"]').waitFor()
      await drop(first, '.sources', { name: 'note.wav', base64: readFileSync(NOTE).toString('base64') })
      await both((page) => page.locator('.recordings li[data-state="done"]').waitFor())
      const typed = ['First in the first tab.', 'First in the second.', 'Last in the first.']
      await segment(first, 0).fill(typed[0]!)
      await segment(second, 1).fill(typed[1]!)
      await segment(first, 2).fill(typed[2]!)
      await reload()
      for (const page of tabs)
        await expect
          .poll(() => Promise.all([0, 1, 2].map((at) => segment(page, at).inputValue())))
          .toEqual(typed)
    })
  })
}

/** What one table of this browser holds. */
function kept(page: Page, table: string): Promise<string> {
  return page.evaluate(
    (name) =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open('sotto-console')
        opening.onerror = () => reject(opening.error!)
        opening.onsuccess = () => {
          const request = opening.result.transaction(name).objectStore(name).getAll()
          request.onsuccess = () => {
            opening.result.close()
            resolve(JSON.stringify(request.result))
          }
        }
      }),
    table,
  )
}

/** What the tab itself holds. */
function stored(page: Page): Promise<string> {
  return page.evaluate(() => JSON.stringify({ ...sessionStorage }))
}

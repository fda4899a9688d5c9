import { describe, expect, it } from 'vitest'
import type { OpenConsole } from './open-console.ts'

/** More presses than any page has places. */
const MOST = 40

/** The pages without a pointer. */
export function keyboardTests(desk: () => OpenConsole): void {
  describe('with the keyboard alone', () => {
    it('leads from the first Tab through the menu to a message that is sent', async () => {
      const { page, context } = await desk().open('#/trust')
      await page.locator('.shield[data-kind="software"]').waitFor()
      const focused = (): Promise<string> =>
        page.evaluate(() => {
          const at = document.activeElement!
          return `${at.tagName} ${(at.getAttribute('aria-label') ?? at.textContent).trim()}`
        })
      /** Whoever presses sees on the way where they are. */
      const pressTo = async (key: string, place: string): Promise<void> => {
        for (let count = 0; (await focused()) !== place; count++) {
          expect(count, `${place} is reached`).toBeLessThan(MOST)
          await page.keyboard.press(key)
          expect(await page.locator(':focus-visible').count(), await focused()).toBe(1)
        }
      }
      await page.keyboard.press('Tab')
      expect(await focused()).toBe('A Skip to the content')
      await page.keyboard.press('Enter')
      expect(await focused()).toMatch(/^MAIN /)
      expect(await page.getByRole('status').first().innerText(), 'nothing has changed yet').toBe('')
      await pressTo('Shift+Tab', 'A Assistant')
      await page.keyboard.press('Enter')
      await expect.poll(focused).toBe('H1 Assistant')
      expect(await page.getByRole('status').first().innerText()).toBe('Assistant · Sotto')
      await pressTo('Tab', 'TEXTAREA Your message')
      await page.keyboard.type('Who can read my words?')
      await pressTo('Tab', 'BUTTON Send')
      await page.keyboard.press('Enter')
      await page.getByText('Receipt verified').waitFor()
      expect(await focused()).toBe('BUTTON Send')
      await context.close()
    })
  })
}

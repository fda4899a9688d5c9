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
      'answers are read by a voice of this device alone, by the sentence, and a stop is silence',
      { timeout: 30_000 },
      async () => {
        await page.evaluate(() => {
          const spoken: { text: string; voice: string; lang: string }[] = []
          Object.assign(globalThis, {
            spoken,
            silences: 0,
            // The browser's own takes no voice but its own.
            SpeechSynthesisUtterance: class {
              readonly text: string
              constructor(text: string) {
                this.text = text
              }
            },
          })
          Object.assign(speechSynthesis, {
            getVoices: () => [
              { name: 'of a server', lang: 'en-US', default: true, localService: false },
              { name: 'of this device', lang: 'en-GB', default: false, localService: true },
            ],
            speak: ({ text, voice, lang }: SpeechSynthesisUtterance) =>
              spoken.push({ text, voice: voice!.name, lang }),
            cancel: () => (globalThis as unknown as { silences: number }).silences++,
          })
          speechSynthesis.dispatchEvent(new Event('voiceschanged'))
        })
        const spoken = (): Promise<{ text: string; voice: string; lang: string }[]> => page.evaluate('spoken')
        await page.getByText('Spoken questions are answered aloud').waitFor()
        await page.getByRole('button', { name: 'New' }).click()
        line.isSlow = true
        await page.locator('h1').click()
        await page.keyboard.down(' ')
        await page.locator('.heard', { hasText: /\w/ }).waitFor()
        await page.keyboard.up(' ')
        // Nothing is read before its sentence is complete, and of what was stopped no rest.
        await page.locator('.said[data-end=coming] .said-text').waitFor()
        const silences = await page.evaluate<number>('silences')
        await page.getByRole('button', { name: 'Stop' }).click()
        expect(await page.evaluate<number>('silences')).toBe(silences + 1)
        const until = await spoken()
        line.isSlow = false
        await page.locator('.said[data-end=stopped]').waitFor()
        await ask('Tell me a story about an old gentleman.')
        await page.getByText('Receipt verified').waitFor()
        expect(await spoken(), 'nothing is said after that, nor to who wrote').toEqual(until)

        await answers().last().getByRole('button', { name: 'Read aloud' }).click()
        const read = (await spoken()).slice(until.length)
        expect(read.length).toBeGreaterThan(1)
        for (const { text, voice, lang } of read) {
          expect({ voice, lang }).toEqual({ voice: 'of this device', lang: 'en-GB' })
          expect(text).not.toMatch(/[.!?…]["'”’)]*\s/)
        }
        const shown = await answers().last().locator('.said-text').innerText()
        expect(read.map(({ text }) => text).join(' ')).toBe(shown.replaceAll(/\s+/g, ' '))
        await page.getByRole('button', { name: 'Spoken questions are answered aloud' }).click()
        expect(await page.evaluate<number>('silences')).toBeGreaterThan(silences + 2)
        await page.getByRole('button', { name: 'Answers are not read aloud' }).click()
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

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownerKeyPem } from '@sotto/client/models'
import { utf8 } from '@sotto/protocol/bytes'
import { parseSavedReceipt } from '@sotto/protocol/receipts'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drop } from './give-files.ts'
import { type Line, openLine } from './line.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'
import { AXE, PICTURES, violations, WATCH_JUMPS } from './shell.ts'

const NOTE = readFileSync(join(import.meta.dirname, '../../../models/demo/session-note.wav'))
const QUESTION = 'Tell me a story about an old gentleman.'
/** Dark, and light. */
const SCREENS = ['phone', 'wide'] as const
type Screen = (typeof SCREENS)[number]

/** The pages as people leave them: full, and with something that went wrong. */
export function usedPagesTests(desk: () => OpenConsole): void {
  describe('pages in use', () => {
    let line: Line
    let tab: ConsolePage
    let page: Page
    beforeAll(async () => {
      line = await openLine(desk().config.relay)
      await desk().configure({ ...desk().config, relay: line.url })
      // Without motion: a colour that is half-way to another is none that anybody reads.
      tab = await desk().open('about:blank', { reducedMotion: 'reduce' })
      ;({ page } = tab)
      await page.addInitScript(WATCH_JUMPS)
      await page.goto(`${desk().origin}/#/assistant`)
      await page.locator('.shield[data-kind="software"]').waitFor()
      await page.evaluate(AXE)
    })
    afterAll(async () => {
      await desk().configure(desk().config)
      await tab?.context.close()
      line?.close()
    })

    const show = async (name: string): Promise<void> => {
      await page.evaluate(`location.hash = '#/${name}'`)
      await page.locator(`main[data-page="${name}"] h1`).waitFor()
    }
    /** Looked at by axe, and by whoever opens the pictures. */
    const expectSound = async (state: string, screens: readonly Screen[] = SCREENS): Promise<void> => {
      for (const screen of screens) {
        await page.setViewportSize({ width: screen === 'wide' ? 1280 : 390, height: 844 })
        await page.emulateMedia({
          colorScheme: screen === 'wide' ? 'light' : 'dark',
          reducedMotion: 'reduce',
        })
        expect(await violations(page), `${state} ${screen}`).toEqual([])
        expect(
          await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
          `${state} ${screen}`,
        ).toBe(true)
        await page.evaluate('scrollTo(0, 0)')
        await page.screenshot({ path: join(PICTURES, `${state}-${screen}.png`), fullPage: true })
      }
    }
    const ask = async (text: string): Promise<void> => {
      await page.getByLabel('Your message').fill(text)
      await page.getByLabel('Your message').press('Enter')
    }
    const saved = async (
      name: string,
      within: Page | Locator = page,
    ): Promise<{ name: string; text: string }> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        within.getByRole('button', { name, exact: true }).click(),
      ])
      return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') }
    }

    it('Assistant: nothing jumps while an answer comes, and what was said is exported', async () => {
      line.isSlow = true
      await ask(QUESTION)
      await page.locator('.said[data-end=coming] .said-text').waitFor()
      // What moves half a second after a key is put down to it, by whoever counts jumps.
      await page.waitForTimeout(600)
      await page.evaluate('jumps = 0')
      const coming = page.locator('.said[data-end=coming] .said-text')
      const before = (await coming.innerText()).length
      await expect.poll(async () => (await coming.innerText()).length).toBeGreaterThan(before + 40)
      expect(await page.locator('.said[data-end=coming]').count(), 'it still comes').toBe(1)
      line.isSlow = false
      await page.getByText('Receipt verified').waitFor()
      expect(await page.evaluate<number>('jumps')).toBeLessThan(0.02)
      // It would have been seen.
      await page.locator('main').evaluate((one) => (one.style.marginTop = '200px'))
      await expect.poll(() => page.evaluate<number>('jumps')).toBeGreaterThan(0.02)
      await page.locator('main').evaluate((one) => (one.style.marginTop = ''))
      const answer = await page.locator('.said[data-role=assistant] .said-text').innerText()
      await expectSound('assistant-filled')

      const item = page.locator('.history-item', { hasText: 'Tell me a story' })
      await item.locator('summary').click()
      const asText = await saved('Export as text')
      expect(asText.name).toMatch(/^tell-me-a-story[a-z-]*\.txt$/)
      expect(asText.text).toContain(`You:\n${QUESTION}\n`)
      await item.locator('summary').click()
      const { conversations } = JSON.parse((await saved('Export as JSON')).text) as {
        conversations: { messages: { role: string; text: string }[] }[]
      }
      expect(conversations.map(({ messages }) => messages.map(({ role }) => role))).toEqual([
        ['user', 'assistant'],
      ])
      const [, said] = conversations[0]!.messages
      expect(said!.text.split(/\s+/)).toEqual(answer.split(/\s+/))
      expect(JSON.parse((await saved('Export all')).text)).toEqual({
        format: 'sotto-conversations/1',
        conversations,
      })

      line.isSlow = true
      await ask('Tell me another story.')
      await page.locator('.said[data-end=coming] .said-text').waitFor()
      line.cut()
      await page.locator('.said[data-end=cut]').waitFor()
      line.isSlow = false
      await expectSound('assistant-cut')
    })

    it('Receipts: one that holds, one that does not, and a file that is none', async () => {
      await show('receipts')
      // The oldest: that of the answer that was whole.
      const kept = page.locator('.receipts .receipt').last()
      await kept.getByRole('button', { name: 'Verify' }).click()
      await kept.locator('.outcome[data-ok="true"]').waitFor()
      await expectSound('receipts-filled')
      const { name, text } = await saved('Share', kept)
      expect(name).toBe('sotto-receipt.json')
      const receipt = parseSavedReceipt(utf8(text))
      expect(receipt).toHaveProperty('trust')
      const give = (content: string): Promise<void> =>
        page
          .locator('input[type=file]')
          .setInputFiles({ name: 'given.json', mimeType: 'application/json', buffer: Buffer.from(content) })
      await give(text.replaceAll(/(\\?"sig\\?":\\?")..../g, '$1AAAA'))
      const given = page.locator('section', { has: page.locator('#given-title') })
      await given.getByRole('button', { name: 'Verify' }).click()
      await given.locator('.outcome[data-ok="false"]').waitFor()
      await expectSound('receipts-refused', ['phone'])
      await give('{"no":"receipt"}')
      await page.locator('main .notice').waitFor()
      await expectSound('receipts-none', ['wide'])
    })

    it(
      'Transcribe: a transcript in four formats, and a file without sound',
      { timeout: 30_000 },
      async () => {
        await show('transcribe')
        await drop(page, '.sources', { name: 'note.wav', base64: NOTE.toString('base64') })
        await page.locator('.recordings li[data-state="done"]').waitFor()
        await expectSound('transcribe-filled')
        const heard = await page
          .locator('.segment textarea')
          .evaluateAll((all) => all.map((one) => (one as HTMLTextAreaElement).value.trim()))
        expect(await saved('TXT')).toEqual({
          name: 'note.txt',
          text: heard.map((one) => `${one}\n`).join(''),
        })
        const vtt = await saved('VTT')
        expect(vtt.name).toBe('note.vtt')
        expect(vtt.text).toMatch(/^WEBVTT\n\n(?:1\n)?00:00:0\d\.\d{3} --> /)
        expect((await saved('SRT')).text).toMatch(/^1\n00:00:0\d,\d{3} --> /)
        const whole = JSON.parse((await saved('JSON')).text) as { file: string; segments: { text: string }[] }
        expect(whole.file).toBe('note.wav')
        expect(whole.segments.map(({ text }) => text)).toEqual(heard)
        await drop(page, '.sources', {
          name: 'text.wav',
          base64: Buffer.from('These are notes, and no recording.').toString('base64'),
        })
        await page.locator('.recordings li[data-state="refused"]').waitFor()
        await expectSound('transcribe-refused', ['phone'])
      },
    )

    it('Summarise: a summary, and one that the network cut', { timeout: 60_000 }, async () => {
      await show('summarise')
      await page.locator('.original textarea').fill('A king had a daughter, and she was lost. '.repeat(20))
      const start = page.getByRole('button', { name: 'Summarise', exact: true })
      await start.click()
      await page.getByText('with a receipt that holds').waitFor()
      await expectSound('summarise-filled')
      expect(await saved('Download')).toEqual({
        name: 'summary.txt',
        text: await page.locator('.summary .text').innerText(),
      })
      await page.route(`${line.url}/relay/*`, (route) => route.abort())
      await start.click()
      await page.locator('.summary .notice').waitFor()
      await page.unroute(`${line.url}/relay/*`)
      await expectSound('summarise-failed', ['wide'])
    })

    it('Models: an owner that the service does not admit, and a file that is no key', async () => {
      await show('models')
      const key = page.locator('input[accept=".key,.pem"]')
      const give = (content: string): Promise<void> =>
        key.setInputFiles({
          name: 'owner.key',
          mimeType: 'application/x-pem-file',
          buffer: Buffer.from(content),
        })
      await give('no key')
      await page.locator('main .notice').waitFor()
      await expectSound('models-no-key', ['phone'])
      await give(ownerKeyPem(new Uint8Array(32).fill(9)))
      await page.locator('[data-owner]').waitFor()
      await page.locator('[data-model]').first().waitFor()
      await page.locator('.drop input').setInputFiles({
        name: 'story.gguf',
        mimeType: 'application/octet-stream',
        buffer: Buffer.from('GGUF'),
      })
      await page.getByRole('button', { name: 'Seal and upload' }).waitFor()
      await expectSound('models-filled')
    })

    it('Trust: every step open with the evidence, and a service that is refused', async () => {
      await show('trust')
      const open = (): Promise<void> =>
        page.locator('.chain details').evaluateAll((all) => {
          for (const one of all) (one as HTMLDetailsElement).open = true
        })
      await open()
      await page.getByRole('button', { name: 'Show' }).first().click()
      await page.locator('pre.raw').first().waitFor()
      await page
        .locator('details', { has: page.locator('pre.raw') })
        .locator('summary')
        .click()
      await expectSound('trust-filled')
      await page.route('**/relay/*/trust', async (route) => {
        const bundle = (await (await route.fetch()).json()) as { checkpoint: string }
        await route.fulfill({
          json: { ...bundle, checkpoint: bundle.checkpoint.replace('\n\n', '\nmore\n\n') },
          headers: { 'access-control-allow-origin': desk().origin },
        })
      })
      await page.getByRole('button', { name: 'Check again' }).click()
      await page.locator('.shield[data-kind="refused"]').waitFor()
      await open()
      await expectSound('trust-refused', ['wide'])
    })
  })
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drop, type GivenFile } from './give-files.ts'
import { type Line, openLine } from './line.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'

const NOTE = join(import.meta.dirname, '../../../models/demo/session-note.wav')

/** The page Transcribe, with the fake microphone that speaks. */
export function transcribeTests(desk: () => OpenConsole): void {
  describe('the page Transcribe', () => {
    let line: Line
    let tab: ConsolePage
    beforeAll(async () => {
      line = await openLine(desk().config.relay)
      await desk().configure({ ...desk().config, relay: line.url })
      tab = await desk().open('#/transcribe', { permissions: ['microphone'] })
      await tab.page.locator('.shield[data-kind="software"]').waitFor()
    })
    afterAll(async () => {
      await desk().configure(desk().config)
      await tab?.context.close()
      line?.close()
    })

    const give = (...files: GivenFile[]): Promise<void> => drop(tab.page, '.sources', ...files)
    const note = readFileSync(NOTE)
    const row = (name: string) => tab.page.locator('.recordings li', { hasText: name }).first()
    const isIn = (name: string, state: string) =>
      tab.page.locator(`.recordings li[data-state="${state}"]`, { hasText: name }).first().waitFor()
    const texts = () =>
      tab.page
        .locator('.segment textarea')
        .evaluateAll((all) => all.map((one) => (one as HTMLTextAreaElement).value))

    it(
      'a recording becomes segments, an edit outlives a reload, and is exported',
      { timeout: 60_000 },
      async () => {
        const { page } = tab
        await give({ name: 'note.wav', base64: note.toString('base64') })
        await isIn('note.wav', 'done')
        const heard = await texts()
        expect(heard.length).toBeGreaterThan(1)
        expect(heard.join(' ').split(' ').length).toBeGreaterThan(15)

        await page.locator('.segment textarea').nth(1).fill('This is what she said.')
        await page.locator('.segment textarea').nth(1).blur()
        // Heard at its place: the waveform is a slider.
        await page.locator('.segment button.at').nth(1).click()
        await expect.poll(() => page.locator('.waveform input').inputValue().then(Number)).toBeGreaterThan(2)
        await expect
          .poll(() => page.locator('.segment.is-current textarea').inputValue())
          .toBe('This is what she said.')

        await page.goto(`${desk().origin}/#/trust`)
        await page.goto(`${desk().origin}/#/transcribe`)
        await page.reload()
        await isIn('note.wav', 'done')
        expect(await texts()).toEqual(heard.with(1, 'This is what she said.'))
        // The recording itself was not kept: nobody said so.
        expect(await page.locator('.player audio').count()).toBe(0)

        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'SRT' }).click(),
        ])
        expect(download.suggestedFilename()).toBe('note.srt')
        const srt = readFileSync(await download.path(), 'utf8')
        expect(srt).toMatch(/^1\n00:00:0\d,\d{3} --> /)
        expect(srt).toContain('\nThis is what she said.\n')
      },
    )

    it(
      'a text that calls itself a recording, and one too large, are not sent',
      { timeout: 30_000 },
      async () => {
        await tab.page.locator('.shield[data-kind="software"]').waitFor()
        const before = tab.requests.length
        const sockets: string[] = []
        const hear = (socket: { url(): string }): void => void sockets.push(socket.url())
        tab.page.on('websocket', hear)
        await give(
          { name: 'text.wav', base64: Buffer.from('These are notes, and no recording.').toString('base64') },
          { name: 'large.wav', bytes: 256 * 2 ** 20 + 1 },
        )
        await isIn('text.wav', 'refused')
        await isIn('large.wav', 'refused')
        expect(await tab.page.locator('.transcript .notice').textContent()).toContain('no sound')
        await row('large.wav').locator('.pick').click()
        expect(await tab.page.locator('.transcript .notice').textContent()).toContain('at most 268.4 MB')
        tab.page.off('websocket', hear)
        expect([...sockets, ...tab.requests.slice(before).filter((one) => one.startsWith('POST'))]).toEqual(
          [],
        )
      },
    )

    it('a line that breaks half-way is said, and the next try is whole', { timeout: 60_000 }, async () => {
      line.cutAfter(100_000)
      await give({ name: 'cut.wav', base64: note.toString('base64') })
      await isIn('cut.wav', 'failed')
      expect(await tab.page.locator('.transcript .notice').textContent()).toContain('The connection was lost')
      line.cutAfter(undefined)
      await tab.page.getByRole('button', { name: 'Transcribe again' }).click()
      await isIn('cut.wav', 'done')
      expect((await texts()).length).toBeGreaterThan(1)
    })

    it(
      'what the microphone hears is a recording like any other, and no rule of the page is broken',
      { timeout: 60_000 },
      async () => {
        const { page } = tab
        await page.getByRole('button', { name: 'Record', exact: true }).click()
        await expect.poll(() => page.locator('.recorded').textContent()).toBe('0:03')
        await page.getByRole('button', { name: 'Stop and transcribe' }).click()
        await isIn('Recording', 'done')
        expect((await texts()).join(' ').split(' ').length).toBeGreaterThan(2)
        // What the test itself broke is all that the browser complains of.
        expect(tab.complaints.filter((one) => !one.includes('WebSocket'))).toEqual([])
      },
    )

    it('what another tab removes is gone here, and does not come back', { timeout: 30_000 }, async () => {
      const other = await tab.context.newPage()
      await other.goto(`${desk().origin}/#/transcribe`)
      other.on('dialog', (dialog) => void dialog.accept())
      await other.getByRole('button', { name: 'Remove note.wav' }).click()
      await row('note.wav').waitFor({ state: 'detached' })
      await other.close()
      await tab.page.reload()
      await isIn('cut.wav', 'done')
      expect(await row('note.wav').count()).toBe(0)
    })
  })
}

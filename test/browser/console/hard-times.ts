import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drop, dropHuge } from './give-files.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'

const NOTE = join(import.meta.dirname, '../../../models/demo/session-note.wav')
const FULL = 'The storage of this browser is full'

/** By the error of `getUserMedia`, what both pages that listen say. */
const NO_MICROPHONE = [
  ['NotAllowedError', 'The microphone is not allowed'],
  ['NotFoundError', 'There is no microphone'],
  ['NotReadableError', 'Another program holds the microphone'],
  ['TypeError', 'This browser gives no microphone to this page'],
] as const

/** No room, no microphone, and files that nobody can read: each page says so, and keeps what was typed. */
export function hardTimesTests(desk: () => OpenConsole): void {
  describe('in hard times', () => {
    let tab: ConsolePage
    let page: Page
    beforeAll(async () => {
      tab = await desk().open('about:blank', { permissions: ['microphone'] })
      ;({ page } = tab)
      await page.addInitScript(beFullOnDemand)
      await page.goto(`${desk().origin}/#/transcribe`)
      await page.locator('.shield[data-kind="software"]').waitFor()
    })
    afterAll(() => tab?.context.close())

    const show = async (name: string): Promise<void> => {
      await page.locator(`nav a[href="#/${name}"]`).click()
      await page.locator(`main[data-page="${name}"] h1`).waitFor()
    }
    /** Another page and back. */
    const lookAway = async (name: string): Promise<void> => {
      await show('training')
      await show(name)
    }
    const message = () => page.getByLabel('Your message')
    const original = () => page.locator('.original textarea')

    it('a full storage is said on every page, and nothing that was typed is lost', async () => {
      const segment = page.locator('.segment textarea').first()
      await drop(page, '.sources', { name: 'note.wav', base64: readFileSync(NOTE).toString('base64') })
      await page.locator('.recordings li[data-state="done"]').waitFor()
      await page.evaluate(() => sessionStorage.setItem('is-full', 'yes'))

      await segment.fill('Written without room.')
      await page.locator('.notice', { hasText: FULL }).waitFor()
      await lookAway('transcribe')
      expect(await segment.inputValue()).toBe('Written without room.')

      await show('summarise')
      await original().fill('A text without room.')
      await page.locator('.count.is-bad', { hasText: FULL }).waitFor()
      await lookAway('summarise')
      expect(await original().inputValue()).toBe('A text without room.')

      await show('assistant')
      await message().fill('Who can read my words?')
      await message().press('Enter')
      await page.locator('.unkept', { hasText: FULL }).waitFor()
      await page.getByText('Receipt verified').waitFor()
      await message().fill('A message without room.')
      await lookAway('assistant')
      expect(await page.locator('.said').count()).toBe(2)
      expect(await message().inputValue()).toBe('A message without room.')

      // The tab itself has room for what was typed in it.
      await page.reload()
      expect(await message().inputValue()).toBe('A message without room.')
      await show('summarise')
      expect(await original().inputValue()).toBe('A text without room.')
      await show('transcribe')
      await expect.poll(() => segment.inputValue()).toBe('Written without room.')
      await page.locator('.notice', { hasText: FULL }).waitFor()
      await page.evaluate(() => sessionStorage.removeItem('is-full'))
      await segment.fill('Written with room.')
      await page.locator('.notice', { hasText: FULL }).waitFor({ state: 'detached' })
    })

    it('without a microphone each page says why, and what was typed stays', async () => {
      await page.locator('.shield[data-kind="software"]').waitFor()
      await page.evaluate(() => {
        const { mediaDevices } = navigator
        const open = mediaDevices.getUserMedia.bind(mediaDevices)
        mediaDevices.getUserMedia = async (wanted) => {
          const { failing } = globalThis as { failing?: string }
          if (failing !== undefined) throw new DOMException('stubbed', failing)
          const stream = await open(wanted)
          Object.assign(globalThis, { track: stream.getAudioTracks()[0] })
          return stream
        }
      })
      const fail = (failing?: string): Promise<void> =>
        page.evaluate((name) => void Object.assign(globalThis, { failing: name }), failing)
      const lose = (): Promise<void> =>
        page.evaluate(() => {
          const { track } = globalThis as unknown as { track: MediaStreamTrack }
          // As Chromium does once the device is gone.
          track.stop()
          track.dispatchEvent(new Event('ended'))
        })

      const record = page.getByRole('button', { name: 'Record', exact: true })
      for (const [name, says] of NO_MICROPHONE) {
        await fail(name)
        await record.click()
        await page.locator('.sources .notice', { hasText: says }).waitFor()
      }
      await fail()
      await record.click()
      await expect.poll(() => page.locator('.recorded').textContent()).toBe('0:01')
      await lose()
      await page.locator('.sources .notice', { hasText: 'The microphone was taken away' }).waitFor()
      await page.locator('.recordings li', { hasText: 'Recording' }).waitFor()

      await show('assistant')
      const notice = (text: string) => page.locator('.composer .notice', { hasText: text })
      await message().fill('Half a sentence')
      for (const [name, says] of NO_MICROPHONE) {
        await fail(name)
        await page.locator('.talk').press('Enter')
        await notice(says).waitFor()
      }
      await fail()
      await page.locator('.talk').press('Enter')
      await page.locator('.heard', { hasText: /\w/ }).waitFor()
      expect(await page.locator('.composer .notice').count()).toBe(0)
      await lose()
      await notice('The microphone went away').waitFor()
      // What was heard waits behind what was typed: its end is missing.
      await expect.poll(() => message().inputValue()).toMatch(/^Half a sentence \w/)
    })

    it('a file of 2 GB is refused before anything of it is read', async () => {
      await show('summarise')
      const before = await original().inputValue()
      expect(await dropHuge(page, '.original textarea', 'book.txt')).toEqual({ isTaken: true, read: [] })
      await page
        .locator('.original .notice', { hasText: 'book.txt has 2.1 GB, and at most 4.0 MB are taken.' })
        .waitFor()
      expect(await original().inputValue()).toBe(before)
      // Beside the place for it: the page stays.
      expect(await dropHuge(page, 'h1', 'book.txt')).toEqual({ isTaken: true, read: [] })
      await show('receipts')
      expect(await dropHuge(page, 'main', 'receipt.json')).toEqual({ isTaken: true, read: [] })
      await page.locator('main .notice', { hasText: 'This file is too long for a receipt' }).waitFor()
    })
  })
}

/** As a browser without room does: what is written is taken, and its transaction ends as if nothing had been. */
function beFullOnDemand(): void {
  const { put } = IDBObjectStore.prototype
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...given: Parameters<typeof put>) {
    const request = put.apply(this, given)
    const { transaction } = this
    if (sessionStorage.getItem('is-full') === null) return request
    Object.defineProperty(transaction, 'error', { value: new DOMException('full', 'QuotaExceededError') })
    request.addEventListener('success', () => transaction.abort())
    return request
  }
}

import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { RoomRun } from '@sotto/client/rooms'
import type { NamedContract } from '@sotto/protocol/contract'
import type { RunView } from '@sotto/protocol/room'
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { ConsolePage, OpenConsole } from './open-console.ts'
import { openRoomOfTwo, type RoomOfTwo, tableOf } from './room-members.ts'

/** Of a test that waits for a room, milliseconds. */
export const LONG = 120_000
const PICTURES = process.env['SOTTO_SCREENSHOTS'] ?? join(import.meta.dirname, '../../../dist/screenshots')
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WIDE = { width: 1280, height: 860 }
const PHONE = { width: 390, height: 844 }

/** The page Rooms in a tab, and the other party of its room in this process. */
export class RoomsPage {
  readonly desk: OpenConsole
  readonly tab: ConsolePage
  readonly page: Page
  readonly room: RoomOfTwo
  /** The contract that was proposed last. */
  named!: NamedContract

  private constructor(desk: OpenConsole, tab: ConsolePage, room: RoomOfTwo) {
    this.desk = desk
    this.tab = tab
    this.page = tab.page
    this.room = room
  }

  static async open(desk: OpenConsole): Promise<RoomsPage> {
    mkdirSync(PICTURES, { recursive: true })
    const room = await openRoomOfTwo(desk.stack)
    const tab = await desk.open('#/rooms', { viewport: WIDE, reducedMotion: 'reduce' })
    const { page } = tab
    page.setDefaultTimeout(60_000)
    await page.locator('.shield[data-kind="software"]').waitFor()
    await page.evaluate(AXE)
    return new RoomsPage(desk, tab, room)
  }

  /** No violation, and no sideways scrolling, on a wide screen and on a phone in the dark; both are kept as pictures. */
  async looksRight(state: string): Promise<void> {
    for (const [name, viewport, colorScheme] of [
      ['phone', PHONE, 'dark'],
      ['wide', WIDE, 'light'],
    ] as const) {
      await this.page.setViewportSize(viewport)
      await this.page.evaluate('scrollTo(0, 0)')
      await this.page.emulateMedia({ colorScheme })
      const { violations } = await this.page.evaluate<{
        violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
      }>(`axe.run({ resultTypes: ['violations'] })`)
      const found = violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
      )
      expect(found, `${state} ${name}`).toEqual([])
      const isNarrow = await this.page.evaluate('document.documentElement.scrollWidth <= innerWidth')
      await this.page.screenshot({ path: join(PICTURES, `rooms-${state}-${name}.png`), fullPage: true })
      expect(isNarrow, `${state} ${name}`).toBe(true)
    }
  }

  contract(): Locator {
    return this.page.locator(`[data-contract="${this.named.digest}"]`)
  }

  inContract(name: string): Locator {
    return this.contract().getByRole('button', { name })
  }

  /** Proposes a contract, which the bank accepts, and opens it in the page. */
  async propose(title: string, change?: Parameters<RoomOfTwo['contract']>[1]): Promise<void> {
    this.named = await this.room.atBank.propose(this.room.contract(title, change))
    await this.room.atBank.accept(this.named)
    await this.contract().waitFor()
    if (!(await this.contract().evaluate((one) => (one as HTMLDetailsElement).open)))
      await this.contract().locator('> summary').click()
    await this.page.locator(`[data-contract="${this.named.digest}"][data-phase=proposed]`).waitFor()
  }

  async accept(): Promise<void> {
    await this.inContract('Accept').click()
    await this.contract().getByRole('checkbox').check()
    await this.inContract('Sign for shop').click()
    await this.page.locator(`[data-contract="${this.named.digest}"][data-phase=accepted]`).waitFor()
  }

  async addPurchases(): Promise<void> {
    const own = this.contract().locator('[data-data=purchases]')
    await own
      .locator('input[type=file]')
      .setInputFiles({ name: 'purchases.csv', mimeType: 'text/csv', buffer: Buffer.from(tableOf(25)) })
    await own.getByRole('button', { name: 'Seal and add' }).click()
    await own.locator('[data-upload=done]').waitFor()
  }

  /** Asks in the page for the query `count`. @returns the digest of the run */
  async ask(): Promise<string> {
    const form = this.contract().locator('[data-ask]')
    const before = await this.contract().locator('[data-run]').count()
    if (!(await form.evaluate((one) => (one as HTMLDetailsElement).open)))
      await form.locator('summary').click()
    await form.getByLabel('$least: integer').fill('0')
    await form.getByRole('button', { name: 'Verify the room and ask' }).click()
    await expect
      .poll(() => this.contract().locator('[data-run]').count(), { timeout: 60_000 })
      .toBe(before + 1)
    return (await this.contract().locator('[data-run]').first().getAttribute('data-run'))!
  }

  run(digest: string): Locator {
    return this.page.locator(`[data-run="${digest}"]`)
  }

  /** A run as the bank sees it. */
  async atBank(digest: string): Promise<RoomRun> {
    return (await this.room.atBank.state()).runs.get(digest)!
  }

  /** What the page told the others of a run, once it says that. */
  async toldOf(digest: string, state: RunView['state']): Promise<RunView> {
    await expect
      .poll(async () => (await this.atBank(digest)).views[0]?.view.state, { timeout: 60_000 })
      .toBe(state)
    return (await this.atBank(digest)).views[0]!.view
  }
}

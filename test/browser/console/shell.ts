import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../claims.ts'
import type { ConsolePage, OpenConsole } from './open-console.ts'

export const PAGES: readonly string[] = [
  'assistant',
  'transcribe',
  'summarise',
  'models',
  'trust',
  'receipts',
  'rooms',
  'training',
]
/** Where pictures of all pages go: continuous integration keeps them to be looked at. */
export const PICTURES: string =
  process.env['SOTTO_SCREENSHOTS'] ?? join(import.meta.dirname, '../../../dist/screenshots')
export const AXE: string = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeResult {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** How far things moved that nobody had touched, by the share of the window (Layout Instability). */
export const WATCH_JUMPS: string = `
  globalThis.jumps = 0
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) jumps += value
  }).observe({ type: 'layout-shift', buffered: true })
`

/** What axe finds on the page as it stands, once its script is there. */
export async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await page.evaluate<AxeResult>(`axe.run({ resultTypes: ['violations'] })`)
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
  )
}

const toVerified = (page: Page): Promise<void> => page.locator('.shield[data-kind="software"]').waitFor()

/** What holds on every page: banners, the shield, what is sent before, and what the page does in bad surroundings. */
export function shellTests(desk: () => OpenConsole): void {
  describe('every page', () => {
    beforeAll(() => void mkdirSync(PICTURES, { recursive: true }))

    /** Addresses at the relay that were asked, without those that only ask for what is verified. */
    function sentTo({ requests }: ConsolePage): string[] {
      const { relay, gateway } = desk().config
      return requests.filter(
        (request) => request.includes(relay) && request !== `GET ${relay}/relay/${gateway}/trust`,
      )
    }

    it(
      claim(
        'T21',
        'says on every page that it is a software TEE, without a violation, on wide screens and phones',
      ),
      async () => {
        for (const [name, options] of [
          ['wide', { viewport: { width: 1280, height: 860 }, colorScheme: 'light' }],
          ['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
        ] as const) {
          const tab = await desk().open('about:blank', options)
          await tab.page.addInitScript(WATCH_JUMPS)
          await tab.page.goto(desk().origin)
          await toVerified(tab.page)
          expect(await tab.page.evaluate<number>('jumps'), `nothing jumps: ${name}`).toBeLessThan(0.05)
          await tab.page.evaluate(AXE)
          for (const at of PAGES) {
            await tab.page.evaluate(`location.hash = '#/${at}'`)
            await tab.page.locator(`main[data-page="${at}"] h1`).waitFor()
            await expect(tab.page.locator('.banner.software').innerText()).resolves.toContain('Software TEE')
            expect(await violations(tab.page), `${at} ${name}`).toEqual([])
            expect(
              await tab.page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
              `${at} ${name}`,
            ).toBe(true)
            await tab.page.screenshot({ path: join(PICTURES, `${at}-${name}.png`), fullPage: true })
          }
          expect(tab.complaints).toEqual([])
          await tab.context.close()
        }
      },
    )

    it(
      claim(
        ['T21', 'chain.nothing-sent'],
        'sends nothing when any kind of byte of the bundle is changed, and says what it found',
      ),
      async () => {
        const url = `${desk().config.relay}/relay/${desk().config.gateway}/trust`
        const genuine = JSON.parse(await (await fetch(url)).text()) as Json
        const tab = await desk().open('#/assistant')
        await toVerified(tab.page)
        const kinds = leaves(genuine)
        expect(kinds.length).toBeGreaterThan(30)
        let served = ''
        await tab.page.route(url, (route) =>
          route.fulfill({
            contentType: 'application/json',
            headers: { 'access-control-allow-origin': desk().origin },
            body: served,
          }),
        )
        const kind = tab.page.locator('.shield:not([data-kind="verifying"])')
        for (const path of kinds) {
          served = JSON.stringify(changed(genuine, path))
          const again = tab.page.locator('.gate button')
          const answer = tab.page.waitForResponse(url)
          // The first time there is nothing to click: everything holds.
          await ((await again.count()) > 0 ? again.click() : tab.page.reload())
          await answer
          await kind.waitFor()
          expect(await kind.getAttribute('data-kind'), path.join('.')).toBe('refused')
        }
        await tab.page.locator('.gate a').click()
        await tab.page.locator('main .notice').waitFor()
        expect(sentTo(tab)).toEqual([])
        await tab.context.close()
      },
    )

    it(
      claim('T21', 'takes back a verdict that runs out, and gives it again when it can be checked'),
      async () => {
        const tab = await desk().open('#/assistant')
        await toVerified(tab.page)
        const url = `${desk().config.relay}/**`
        const draft = tab.page.getByLabel('Your message')
        await draft.fill('half a sen')
        await tab.page.route(url, (route) => route.abort())
        await tab.page.clock.install()
        await tab.page.clock.fastForward('24:00:00')
        await tab.page.locator('.shield[data-kind="unreachable"]').waitFor()
        await draft.press('Enter')
        expect(await draft.inputValue()).toBe('half a sen')
        expect(await tab.page.locator('.said').count()).toBe(0)
        expect(sentTo(tab)).toEqual([])
        await tab.page.clock.setSystemTime(new Date())
        await tab.page.unroute(url)
        await tab.page.locator('.gate button').click()
        await toVerified(tab.page)
        expect(await draft.inputValue()).toBe('half a sen')
        await tab.context.close()
      },
    )

    it(
      claim(
        'chain.nothing-sent',
        'shows the very bundle that it judged, also of a service that it refuses later',
      ),
      async () => {
        const { page, context } = await desk().open('#/trust')
        await toVerified(page)
        const url = `${desk().config.relay}/relay/${desk().config.gateway}/trust`
        const genuine = await (await fetch(url)).text()
        const evidence = async (): Promise<string> => {
          const [download] = await Promise.all([
            page.waitForEvent('download'),
            page.getByRole('button', { name: 'Export evidence' }).click(),
          ])
          return readFileSync(await download.path(), 'utf8')
        }
        expect(JSON.parse(await evidence())).toMatchObject({ version: 1 })
        const changedBundle = JSON.stringify(changed(JSON.parse(genuine) as Json, ['checkpoint']))
        await page.route(url, (route) =>
          route.fulfill({
            contentType: 'application/json',
            headers: { 'access-control-allow-origin': desk().origin },
            body: changedBundle,
          }),
        )
        await page.getByRole('button', { name: 'Check again' }).click()
        await page.locator('.shield[data-kind="refused"]').waitFor()
        expect(await page.getByText('In force until').count()).toBe(0)
        expect(await evidence()).toBe(changedBundle)
        // Nothing could be decided: what was verified is in force to its end.
        await page.unroute(url)
        await page.getByRole('button', { name: 'Check again' }).click()
        await toVerified(page)
        await page.route(url, (route) => route.abort())
        await page.getByRole('button', { name: 'Check again' }).click()
        await page.locator('main .notice').waitFor()
        expect(await page.locator('.shield').getAttribute('data-kind')).toBe('software')
        await context.close()
      },
    )

    it(
      claim('chain.nothing-sent', 'refuses a release that the policy has revoked, and says which'),
      async () => {
        const { relay, gateway, policy } = desk().config
        const bundle = (await (await fetch(`${relay}/relay/${gateway}/trust`)).json()) as {
          releases: { envelope: string }[]
        }
        const { payload } = JSON.parse(bundle.releases[0]!.envelope) as { payload: string }
        const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
          subject: { digest: { sha256: string } }[]
        }
        const revoked = [statement.subject[0]!.digest.sha256]
        const tab = await desk().open('about:blank')
        await tab.page.route('**/console.json', (route) =>
          route.fulfill({ json: { relay, gateway, policy: { ...policy, revoked } } }),
        )
        await tab.page.goto(`${desk().origin}/#/trust`)
        await tab.page.locator('.shield[data-kind="refused"]').waitFor()
        expect(await tab.page.locator('li[data-status="fail"]').first().textContent()).toContain('revoked')
        expect(sentTo(tab)).toEqual([])
        await tab.context.close()
      },
    )

    it('says that the device is offline, and checks again when it is back', async () => {
      const tab = await desk().open('#/rooms')
      await toVerified(tab.page)
      await tab.context.setOffline(true)
      await tab.page.locator('.banner.offline').waitFor()
      // A page that was never opened cannot be loaded now; the one that is open stays.
      await tab.page.evaluate(`location.hash = '#/training'`)
      await tab.page.locator('main .notice').waitFor()
      await tab.context.setOffline(false)
      await tab.page.locator('.banner.offline').waitFor({ state: 'detached' })
      await tab.page.reload()
      await toVerified(tab.page)
      await tab.context.close()
    })

    it('sends nothing while a slow network still brings the evidence', async () => {
      const tab = await desk().open('about:blank')
      await tab.page.route(`${desk().config.relay}/**`, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 700))
        await route.continue()
      })
      await tab.page.goto(`${desk().origin}/#/assistant`)
      await tab.page.locator('.shield[data-kind="verifying"]').waitFor()
      await tab.page.locator('.gate:not(.is-open)').waitFor()
      expect(sentTo(tab)).toEqual([])
      await toVerified(tab.page)
      await tab.context.close()
    })

    it('works where the browser keeps nothing, and says so', async () => {
      const tab = await desk().open('about:blank')
      await tab.page.addInitScript(() => {
        IDBObjectStore.prototype.put = () => {
          throw new DOMException('full', 'QuotaExceededError')
        }
      })
      await tab.page.goto(`${desk().origin}/#/receipts`)
      await toVerified(tab.page)
      await tab.page.locator('.banner.forgetful').waitFor()
      await tab.context.close()
    })

    it('says to an old browser what it lacks, and sends nothing', async () => {
      const tab = await desk().open('about:blank')
      await tab.page.addInitScript(() => delete (Promise as { withResolvers?: unknown }).withResolvers)
      await tab.page.goto(`${desk().origin}/`)
      await expect.poll(() => tab.page.locator('#app').innerText()).toContain('too old')
      expect(tab.requests.filter((request) => request.includes(desk().config.relay))).toEqual([])
      await tab.context.close()
    })

    it(
      claim('T21', 'loads the verifier of the hardware that a policy names, and only then judges'),
      async () => {
        const { relay, gateway, policy } = desk().config
        const hardware = {
          ...policy,
          platforms: [{ name: 'snp', allOf: [{ family: 'sev-snp' }] }],
          require: [...policy.require, 'hardware.cpu-vendor'],
        }
        const tab = await desk().open('about:blank')
        await tab.page.route('**/console.json', (route) =>
          route.fulfill({ json: { relay, gateway, policy: hardware } }),
        )
        await tab.page.goto(`${desk().origin}/#/trust`)
        await tab.page.locator('.shield[data-kind="refused"]').waitFor()
        expect(tab.requests.filter((request) => /\/snp-family-\w+\.js$/.test(request))).toHaveLength(1)
        expect(tab.requests.filter((request) => /\/(?:tdx|nvidia)-family-/.test(request))).toEqual([])
        expect(await tab.page.locator('.banner.software').count()).toBe(0)
        // Judged by that policy: software is not what it asks for.
        const failed = tab.page.locator('li[data-status="fail"] code')
        expect(await failed.allTextContents()).toContain('kms.evidence')
        expect(sentTo(tab)).toEqual([])
        // Where its code does not come, nothing is judged, and nothing sent.
        const cut = await desk().open('about:blank')
        await cut.page.route('**/console.json', (route) =>
          route.fulfill({ json: { relay, gateway, policy: hardware } }),
        )
        await cut.page.route('**/snp-family-*.js', (route) => route.abort())
        await cut.page.goto(`${desk().origin}/#/trust`)
        await cut.page.locator('.shield[data-kind="unreachable"]').waitFor()
        expect(await cut.page.locator('.notice').innerText()).toContain('FAMILY_NOT_LOADED')
        expect(sentTo(cut)).toEqual([])
        await tab.context.close()
        await cut.context.close()
      },
    )

    it('says what is wrong with what its host wrote', async () => {
      const tab = await desk().open('about:blank')
      await tab.page.route('**/console.json', (route) => route.fulfill({ body: '{"relay":"http://x"}' }))
      await tab.page.goto(`${desk().origin}/#/trust`)
      await tab.page.locator('.notice').waitFor()
      expect(await tab.page.locator('.notice').innerText()).toContain('console.json')
      await tab.context.close()
    })
  })
}

type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** Steps of a path into a text: a document of JSON in it, or a line of a note. */
const INSIDE = '{}'
const LINE = /^line (\d+)$/

/** One path to every kind of value: lists by their first element, signed documents and notes by their parts. */
function leaves(value: Json, path: string[] = []): string[][] {
  if (typeof value === 'string') {
    if (value.startsWith('{')) return leaves(JSON.parse(value) as Json, [...path, INSIDE])
    const lines = value.trimEnd().split('\n')
    if (lines.length === 1) return [path]
    return lines.flatMap((line, at) => (line === '' ? [] : [[...path, `line ${at}`]]))
  }
  if (value === null || typeof value !== 'object') return [path]
  const entries = Array.isArray(value) ? Object.entries(value).slice(0, 1) : Object.entries(value)
  return entries.flatMap(([name, child]) => leaves(child, [...path, name]))
}

/** The document with one value changed by as little as it can be. */
function changed(value: Json, [name, ...rest]: string[]): Json {
  if (name === undefined) {
    if (typeof value === 'number') return value + 1
    const text = String(value)
    const at = Math.floor(text.length / 2)
    return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
  }
  if (name === INSIDE) return JSON.stringify(changed(JSON.parse(String(value)) as Json, rest))
  const [, line] = LINE.exec(name) ?? []
  if (line !== undefined)
    return String(value)
      .split('\n')
      .map((text, at) => (at === Number(line) ? changed(text, []) : text))
      .join('\n')
  const copy = structuredClone(value) as { [name: string]: Json }
  copy[name] = changed(copy[name]!, rest)
  return copy
}

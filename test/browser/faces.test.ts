import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseTrustBundle, encodeTrustBundle } from '@sotto/protocol/evidence'
import { createSearch, nothingFound } from '../../packages/cli/src/demo/search.ts'
import { secretsOf } from '../../packages/cli/src/demo/secrets.ts'
import type { Tap } from '../../packages/cli/src/stack/tap.ts'
import { claim } from '../claims.ts'
import { ALICE, BOB, draw, STRANGER } from './faces-pictures.ts'
import { GRADIENT_SIMILARITY } from '../../examples/faces/people/networks.ts'
import { type FacesTown, findDetector, openFacesTown } from './faces-town.ts'
import { findChromium } from './find-chromium.ts'

const chromium = findChromium()
const detector = findDetector()
const NAMES = { alice: 'Alice Quennerstedt', bob: 'Bob Ottosson' }
const LARGE = { width: 640, height: 480 }
/** Folder for pictures of the page, for people to look at. */
const SHOTS = process.env['SOTTO_SCREENSHOTS']

let town: FacesTown
beforeAll(async () => {
  if (chromium === undefined || detector === undefined) return
  town = await openFacesTown(chromium, detector, {
    [NAMES.alice]: draw([[ALICE, {}]], LARGE),
    [NAMES.bob]: draw([[BOB, {}]], LARGE),
  })
}, 240_000)
afterAll(() => town?.close())

/** Opens the page, and notes what it asks of whom. */
async function openPage(
  context: BrowserContext,
): Promise<{ page: Page; posts: string[]; problems: string[] }> {
  // A page that goes on sending would be counted by the next test.
  onTestFinished(() => context.browser()!.close())
  const page = await context.newPage()
  page.setDefaultTimeout(90_000)
  const posts: string[] = []
  const problems: string[] = []
  page.on('request', (request) => void (request.method() === 'POST' && posts.push(request.url())))
  page.on('console', (line) => void (line.type() === 'error' && problems.push(line.text())))
  page.on('pageerror', (error) => void problems.push(error.message))
  return { page, posts, problems }
}

async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return
  mkdirSync(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true })
}

/** Starts the camera, until the page names somebody. */
async function startAndSee(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Start the camera' }).click()
  const seen = page.locator('#people').getByText(name, { exact: true })
  await seen.waitFor().catch(async (cause: unknown) => {
    // What the page says instead helps more than that it did not say the name.
    throw new Error(await page.locator('main').innerText(), { cause })
  })
}

const bytesOf = (tap: Tap): Buffer[] =>
  tap.captures.flatMap(({ received, sent }) => [Buffer.concat(received), Buffer.concat(sent)])

describe.skipIf(!chromium || !detector)('faces in Chromium', { timeout: 240_000 }, () => {
  it(claim('see.relay', 'who is before the camera is named, and nobody in between could see'), async () => {
    // As a camera sees somebody: not the picture that was enrolled.
    const film = [0.92, 0.95].map((scale) => draw([[ALICE, { x: 100 + 50 * scale, y: 119, scale }]], LARGE))
    const context = await town.openBrowser(film)
    await keepFrames(context)
    const { page, posts, problems } = await openPage(context)
    await page.goto(town.url)
    await page.getByRole('button', { name: 'Start the camera' }).waitFor()
    expect(posts).toEqual([])
    await shot(page, 'ready')
    await startAndSee(page, NAMES.alice)
    expect(Number(await page.locator('#people .score').innerText())).toBeGreaterThan(GRADIENT_SIMILARITY)
    await page.waitForFunction(() => Number(document.getElementById('rate')!.textContent) > 0)
    await shot(page, 'alice')
    const [verified, all] = (await page.locator('#receipts').innerText()).split(' of ').map(Number)
    expect(verified).toBeGreaterThan(1)
    expect(verified).toBe(all)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('The camera is off and nothing is sent.').waitFor()
    const after = posts.length
    await page.waitForTimeout(500)
    expect([posts.length, problems]).toEqual([after, []])

    const frames = await keptFrames(page)
    expect(frames.length).toBeGreaterThan(1)
    expect(frames.map(({ length }) => length)).toEqual(frames.map(() => 320 * 240 * 3))
    const search = createSearch(
      secretsOf({
        requests: frames,
        answers: [NAMES.alice],
        headers: [],
        weights: [readFileSync(detector!)],
        models: [town.published.id],
      }),
    )
    // It does find a part of a frame where one is.
    const part = frames[0]!.subarray(320 * 100 * 3, 320 * 104 * 3)
    expect(search(Buffer.concat([Buffer.alloc(99), part])).request).toBe(true)
    for (const party of ['relay', 'gateway'] as const) {
      expect(town.stack.taps[party]!.isComplete).toBe(true)
      for (const bytes of bytesOf(town.stack.taps[party]!)) expect(search(bytes)).toEqual(nothingFound())
    }
    // Frames did go through both of them.
    for (const party of ['relay', 'gateway'] as const) {
      const bytes = bytesOf(town.stack.taps[party]!).reduce((sum, { length }) => sum + length, 0)
      expect(bytes).toBeGreaterThan(all! * frames[0]!.length)
    }
  })

  it('tells two people apart, and does not name a stranger', async () => {
    const film = [
      draw(
        [
          [BOB, { x: 90, y: 120, scale: 0.8 }],
          [STRANGER, { x: 235, y: 122, scale: 0.8 }],
        ],
        LARGE,
      ),
    ]
    const { page } = await openPage(await town.openBrowser(film))
    await page.goto(town.url)
    await startAndSee(page, NAMES.bob)
    await page.locator('#people').getByText('Somebody not known').waitFor()
    expect(await page.locator('#people li').count()).toBe(2)
    // The page is a mirror: Bob, left in the picture, is on the right.
    const left = async (name: string): Promise<number> =>
      (await page.locator('.box', { hasText: name }).boundingBox())!.x
    expect(await left(NAMES.bob)).toBeGreaterThan(await left('not known'))
    await shot(page, 'two')
    await page.emulateMedia({ colorScheme: 'dark' })
    await shot(page, 'two-dark')
    await page.setViewportSize({ width: 390, height: 844 })
    await shot(page, 'two-phone')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  })

  it(claim('chain.nothing-sent', 'a bundle that was tampered with: no frame, no camera'), async () => {
    const { page, posts } = await openPage(await town.openBrowser([draw([[ALICE, {}]], LARGE)]))
    await page.route('**/relay/inference/trust', async (route) => {
      const response = await route.fetch()
      const bundle = parseTrustBundle(await response.body())
      bundle.keySet.index++
      await route.fulfill({ response, body: Buffer.from(encodeTrustBundle(bundle)) })
    })
    const before = postsTo(town.stack.taps.relay!)
    expect(before).toBeGreaterThan(0)
    await page.goto(town.url)
    await page.locator('#curtain-title', { hasText: 'Refused' }).waitFor()
    expect(await page.locator('.shield').innerText()).toBe('Refused')
    expect(await page.locator('#steps .fail').innerText()).toContain('The key set is in the log')
    expect(await page.locator('#curtain-text').innerText()).toMatch(
      /^Not so: The key set is in the log.*Nothing was sent/,
    )
    expect(await page.getByRole('button').count()).toBe(0)
    // A page in the person's hands is not asked nicely: the button is gone, and pressing it does nothing.
    await page.evaluate(() => document.getElementById('start')!.click())
    await page.waitForTimeout(500)
    expect(await page.evaluate(() => (document.getElementById('video') as HTMLVideoElement).srcObject)).toBe(
      null,
    )
    expect([posts, postsTo(town.stack.taps.relay!)]).toEqual([[], before])
    await shot(page, 'refused')
  })

  it('says so when there is no camera, and tries again', async () => {
    const { page, posts } = await openPage(await town.openBrowser('no camera'))
    await page.goto(town.url)
    await page.getByRole('button', { name: 'Start the camera' }).click()
    await page.getByText('This device has no camera').waitFor()
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    expect(posts).toEqual([])
    await shot(page, 'no-camera')
  })

  it('a service that is gone is asked again, then given up, and checked anew', async () => {
    const { page } = await openPage(await town.openBrowser([draw([[ALICE, {}]], LARGE)]))
    await page.goto(town.url)
    await startAndSee(page, NAMES.alice)
    await page.route('**/relay/inference', (route) => route.abort())
    await page.getByText('Waiting for the service').waitFor()
    await page.getByText('The service cannot be used now').waitFor()
    expect(await page.locator('.shield').innerText()).toBe('Not verified')
    expect(await page.locator('.box').count()).toBe(0)
    await page.unroute('**/relay/inference')
    expect(await page.locator('#steps .pass').count()).toBe(17)
    await page.getByRole('button', { name: 'Check again' }).click()
    await startAndSee(page, NAMES.alice)
    // This browser has seen the log before: it must be the same one, grown.
    expect(await page.locator('#steps .pass').count()).toBe(18)
  })

  it('the relay lets no page of another origin read', async () => {
    const allowed = async (origin: string): Promise<string | null> => {
      const answer = await fetch(`${town.stack.relayUrl}/relay/inference/trust`, { headers: { origin } })
      await answer.arrayBuffer()
      return answer.headers.get('access-control-allow-origin')
    }
    expect(await allowed('https://another.example')).toBe(null)
    expect(await allowed(town.url)).toBe(town.url)
  })
})

/** Requests that carry something, as the relay's socket saw them. */
function postsTo(tap: Tap): number {
  const received = tap.captures.map((capture) => Buffer.concat(capture.received).toString('latin1'))
  return received.join('').split('POST /relay/').length - 1
}

/** Has the page keep what it takes from the camera, as it takes it, for the search. */
async function keepFrames(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const kept: string[] = []
    Object.assign(globalThis, { kept })
    const { prototype } = OffscreenCanvasRenderingContext2D
    const take = prototype.getImageData
    prototype.getImageData = function (...where) {
      const image = Reflect.apply(take, this, where) as ImageData
      if (kept.length < 8)
        kept.push(btoa(Array.from(image.data, (byte) => String.fromCharCode(byte)).join('')))
      return image
    }
  })
}

/** The frames kept, red first, 3 bytes a pixel. */
async function keptFrames(page: Page): Promise<Buffer[]> {
  const kept = await page.evaluate(() => (globalThis as unknown as { kept: string[] }).kept)
  return kept.map((base64) => Buffer.from(base64, 'base64').filter((_, at) => at % 4 < 3) as Buffer)
}

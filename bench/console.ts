import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { buildConsole, firstLoadBytes, heaviestPage } from '../scripts/console/build.ts'
import { type OpenConsole, openConsole } from '../test/browser/console/open-console.ts'
import { findChromium } from '../test/browser/find-chromium.ts'
import { runCommand } from './support/command.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { gate, show, spread } from './support/stats.ts'

/**
 * The console in Chromium: its first load, as it is and on a slow phone; the verification in the page; and the first word
 * of an answer in the page beside curl through the proxy, in turns. Bytes by part.
 */
const FIRST_LOAD_KB = 200
const VERIFY_MS = 100
/** As Lighthouse slows a phone down: 4 times slower processor, 1.6 Mbit/s, 150 ms. */
const PHONE = { cpu: 4, bytesPerSecond: 200_000, latencyMs: 150 }

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(flags.rounds)

/** Milliseconds of one first load. */
interface Load {
  firstPaint: number
  largestPaint: number
  /** Time in which the page could not answer: what tasks take beyond 50 ms each. */
  blocked: number
  /** Sum of how far things jumped, by viewport. */
  shift: number
  verified: number
  /**
   * Of these the verification, as the page tells it: from asking for `console.json` and reading the policy in it, over asking
   * the relay for the bundle and the verdict, to where the log that was seen is kept. The page is drawn meanwhile, by the
   * same processor. Later ones in a page have `console.json`, and a log that is kept already.
   */
  verification: number
}

const OBSERVE = `
  globalThis.seen = { largestPaint: 0, blocked: 0, shift: 0 }
  const on = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true })
  on('largest-contentful-paint', (entry) => (seen.largestPaint = entry.startTime))
  on('longtask', (entry) => (seen.blocked += Math.max(0, entry.duration - 50)))
  on('layout-shift', (entry) => entry.hadRecentInput || (seen.shift += entry.value))
`
const verified = (page: Page): Promise<unknown> => page.locator('.shield[data-kind="software"]').waitFor()

async function load(town: OpenConsole, isPhone: boolean): Promise<Load> {
  const { page, context } = await town.open('about:blank', {
    viewport: { width: isPhone ? 390 : 1280, height: 844 },
  })
  await page.addInitScript(OBSERVE)
  if (isPhone) {
    const devtools = await context.newCDPSession(page)
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: PHONE.cpu })
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: PHONE.latencyMs,
      downloadThroughput: PHONE.bytesPerSecond,
      uploadThroughput: PHONE.bytesPerSecond,
    })
  }
  await page.goto(`${town.origin}/#/trust`)
  await verified(page)
  const found = await page.evaluate<Omit<Load, 'verification'>>(`({
    ...seen,
    firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    verified: performance.now(),
  })`)
  const verification = await tookOf(page)
  await context.close()
  return { ...found, verification }
}

/** Milliseconds of the verification that the page tells of. */
async function tookOf(page: Page): Promise<number> {
  return Number(/(\d+) ms/.exec(await page.locator('.lead').innerText())![1])
}

/** Milliseconds of later verifications in one page. */
async function verifications(town: OpenConsole): Promise<number[]> {
  const { page, context } = await town.open('#/trust')
  await verified(page)
  const { relay, gateway } = town.config
  const later: number[] = []
  for (let round = 0; round < 3 * rounds; round++) {
    const bundle = page.waitForResponse(`${relay}/relay/${gateway}/trust`)
    await page.locator('main .row button').first().click()
    await bundle
    // Nothing on the page says that an equal verdict came: much longer than one takes.
    await page.waitForTimeout(500)
    later.push(await tookOf(page))
  }
  await context.close()
  return later
}

const QUESTION = 'What is a receipt for?'

/** Milliseconds from pressing Enter to the first text of the answer. */
async function firstWordInPage(page: Page): Promise<number> {
  await page.locator('textarea').first().fill(QUESTION)
  const before = await page.locator('article.said[data-role="assistant"]').count()
  const started = page.evaluate<number>(`new Promise((resolve) => {
    const articles = () => [...document.querySelectorAll('article.said[data-role="assistant"]')].slice(${before})
    let began = 0
    addEventListener('keydown', () => (began = performance.now()), { once: true, capture: true })
    const look = () => {
      const text = articles()[0]?.querySelector('p:not(.thinking):not(.meta)')?.textContent ?? ''
      if (text !== '') resolve(performance.now() - began)
      else requestAnimationFrame(look)
    }
    look()
  })`)
  await page.locator('textarea').first().press('Enter')
  const milliseconds = await started
  await page.locator('article.said[data-end="coming"]').waitFor({ state: 'detached', timeout: 60_000 })
  return milliseconds
}

/** Milliseconds from starting curl to the first text of its answer. */
async function firstWordOfCurl(proxy: string): Promise<number> {
  const body = { messages: [{ role: 'user', content: QUESTION }], stream: true }
  const started = performance.now()
  const curl = spawn('curl', [
    '-sN',
    '-H',
    'content-type: application/json',
    '-d',
    JSON.stringify(body),
    `${proxy}/chat/completions`,
  ])
  let text = ''
  let first = 0
  curl.stdout.on('data', (piece: Buffer) => {
    text += piece.toString()
    if (first === 0 && /"content":"[^"]/.test(text)) first = performance.now() - started
  })
  await once(curl, 'close')
  if (first === 0) throw new Error(`curl got no answer: ${text.slice(0, 200)}`)
  return first
}

const noise = await measureNoise()
const built = await buildConsole()
const firstLoadKb = firstLoadBytes(built) / 1024
const heaviest = heaviestPage(built)
const heaviestKb = heaviest.bytes / 1024
const parts = [...built.files].map(([name, bytes]) => ({
  name,
  gzipKb: gzipSync(bytes, { level: 9 }).length / 1024,
  isFirst: built.first.includes(name),
}))

const town = await openConsole({ executablePath: findChromium()! })
const proxy = runCommand(
  join(import.meta.dirname, '../bin/sotto.mjs'),
  ['proxy', '--port', '0', '--policy', town.stack.policyFile, '--host', town.config.relay],
  town.stack.folder,
)
try {
  const loads: Load[] = []
  const phones: Load[] = []
  await load(town, false)
  for (let round = 0; round < rounds; round++) {
    loads.push(await load(town, false))
    phones.push(await load(town, true))
  }
  const later = await verifications(town)
  const base = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(
    (await proxy.line(/http:\/\/127\.0\.0\.1:\d+\/v1/)).text,
  )![0]
  const { page, context } = await town.open('#/assistant')
  await verified(page)
  const inPage: number[] = []
  const ofCurl: number[] = []
  for (let round = 0; round < rounds + 2; round++) {
    const [one, other] = [await firstWordInPage(page), await firstWordOfCurl(base)]
    if (round >= 2) {
      inPage.push(one)
      ofCurl.push(other)
    }
  }
  await context.close()
  const of = (list: readonly Load[], name: keyof Load): ReturnType<typeof spread> =>
    spread(list.map((one) => one[name]))
  const result = {
    noise,
    firstLoadKb,
    heaviest: { page: heaviest.page, kb: heaviestKb },
    parts,
    wide: loads,
    phone: phones,
    verification: { first: of(loads, 'verification'), later: spread(later) },
    firstWord: { page: spread(inPage), curl: spread(ofCurl) },
  }
  if (flags.json) console.log(JSON.stringify(result))
  else {
    console.log(describeNoise('before', noise))
    console.log(
      `scripts of the first load: ${firstLoadKb.toFixed(1)} KB gzip; with the heaviest page (${heaviest.page}) ` +
        `${heaviestKb.toFixed(1)} KB, ${gate(heaviestKb, FIRST_LOAD_KB, 'KB')}`,
    )
    for (const { name, gzipKb, isFirst } of parts.toSorted((a, b) => b.gzipKb - a.gzipKb).slice(0, 24))
      console.log(`  ${gzipKb.toFixed(1).padStart(6)} KB  ${name}${isFirst ? '  (first load)' : ''}`)
    for (const [name, list] of [
      ['this machine', loads],
      [`a phone (processor / ${PHONE.cpu}, 1.6 Mbit/s, ${PHONE.latencyMs} ms)`, phones],
    ] as const)
      console.log(
        `${name}: first paint ${show(of(list, 'firstPaint'), 'ms', 0)}; largest ${show(of(list, 'largestPaint'), 'ms', 0)}; ` +
          `blocked ${show(of(list, 'blocked'), 'ms', 0)}; shift ${show(of(list, 'shift'), '', 3)}; verified ${show(of(list, 'verified'), 'ms', 0)}`,
      )
    console.log(
      `verification in the page: first ${show(of(loads, 'verification'), 'ms', 0)}, later ${show(spread(later), 'ms', 0)}; ` +
        `later ${gate(spread(later).median, VERIFY_MS, 'ms')}, first ${gate(of(loads, 'verification').median, VERIFY_MS, 'ms')}`,
    )
    console.log(
      `first word: in the page ${show(spread(inPage), 'ms', 0)}; curl through the proxy ${show(spread(ofCurl), 'ms', 0)}; ratio ${(spread(inPage).median / spread(ofCurl).median).toFixed(2)}`,
    )
  }
  const verifyMs = Math.max(spread(later).median, of(loads, 'verification').median)
  if (flags.check && (heaviestKb > FIRST_LOAD_KB || verifyMs > VERIFY_MS)) process.exitCode = 1
} finally {
  await proxy.stop()
  await town.close()
}

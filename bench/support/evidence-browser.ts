import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { toBase64 } from '@sotto/protocol/bytes'
import type { EvidencePage, PageTimes } from './evidence-page.ts'
import type { EvidenceVector } from './evidence-vectors.ts'

declare const bench: EvidencePage

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const ROUNDS = 15

/** Times of each vector in a page of its own in Chromium; undefined where there is none. */
export async function measureInBrowser(vectors: readonly EvidenceVector[]): Promise<PageTimes[] | undefined> {
  const executablePath = CHROMIUM.find(existsSync)
  if (executablePath === undefined) return undefined
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'evidence-page.ts')],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    conditions: ['browser'],
    target: 'es2024',
  })
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  })
  try {
    const times: PageTimes[] = []
    for (const { family, evidence, collateral, at } of vectors) {
      const page = await browser.newPage()
      page.setDefaultTimeout(120_000)
      await page.addScriptTag({ content: outputFiles[0]!.text })
      const pieces = Object.entries(collateral).map(([name, bytes]) => [name, toBase64(bytes)] as const)
      const given = { family, evidence: toBase64(evidence), collateral: Object.fromEntries(pieces), at }
      times.push(await page.evaluate(([one, rounds]) => bench.measure(one, rounds), [given, ROUNDS] as const))
      await page.close()
    }
    return times
  } finally {
    await browser.close()
  }
}

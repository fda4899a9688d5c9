import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toBase64 } from '@sotto/protocol/bytes'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { createWorld } from '@sotto/testkit'
import { families } from '../../scripts/vectors/families.ts'
import { findChromium } from './find-chromium.ts'
import type { PageApi, PageFile } from './page.ts'

declare const sotto: PageApi

const executablePath = findChromium()

const vectors = process.env['SOTTO_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors')
if (!existsSync(vectors) && process.env['CI']) throw new Error(`vectors are missing: ${vectors}`)

/** Node's file functions, which the vector harness imports and the page never calls. */
const NO_FILES = {
  name: 'no-files',
  setup(builder: Parameters<NonNullable<Parameters<typeof build>[0]['plugins']>[number]['setup']>[0]): void {
    builder.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'no-files' }))
    builder.onLoad({ filter: /.*/, namespace: 'no-files' }, () => ({
      contents:
        'module.exports = new Proxy({}, { get: () => () => { throw new Error("no files in a page") } })',
    }))
  },
}

describe.skipIf(!executablePath)('in Chromium', () => {
  let server: Server
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, 'page.ts')],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      conditions: ['browser'],
      target: 'es2024',
      plugins: [NO_FILES],
    })
    const script = outputFiles[0]!.text
    server = createServer((request, response) => {
      const isScript = request.url === '/page.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script : '<!doctype html><meta charset=utf-8><script src=/page.js></script>')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    page = await browser.newPage()
    page.setDefaultTimeout(120_000)
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  it('the crypto backend is the browser one, and hashes as FIPS 180-4 says', async () => {
    expect(await page.evaluate(() => sotto.backend())).toBe('browser')
    expect(await page.evaluate(() => sotto.digest('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  it('a verdict comes out as on Node, and tampering is refused', async () => {
    const world = await createWorld()
    const bundle = encodeTrustBundle(world.bundle)
    const verify = (bytes: Uint8Array): Promise<ReturnType<PageApi['verify']>> =>
      page.evaluate(([base64, policy, now]) => sotto.verify(base64, policy, now), [
        toBase64(bytes),
        JSON.stringify(world.policy),
        world.now,
      ] as const)
    const { verdict } = await verify(bundle)
    expect(verdict.ok).toBe(true)
    expect(verdict.steps).toHaveLength(23)
    world.bundle.keySet.index++
    const refused = await verify(encodeTrustBundle(world.bundle))
    expect(refused.verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)).toEqual([
      'keys.logged',
    ])
  })

  for (const { folder } of families.filter(({ isArithmetic }) => isArithmetic !== true)) {
    const path = join(vectors, folder)
    it.skipIf(!existsSync(path))(
      `every case of ${folder} gives the published result`,
      { timeout: 180_000 },
      async () => {
        const files: PageFile[] = readdirSync(path, { recursive: true, encoding: 'utf8' })
          .filter((name) => statSync(join(path, name)).isFile() && !name.endsWith('.md'))
          .map((name) => ({ name, base64: readFileSync(join(path, name)).toString('base64') }))
        const { total, failures } = await page.evaluate(([name, inputs]) => sotto.runVectors(name, inputs), [
          folder,
          files,
        ] as const)
        expect(failures).toEqual([])
        expect(total).toBeGreaterThan(0)
      },
    )
  }
})

import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineHost, readModelDirectory } from '../../packages/enclave/src/engines/host/index.ts'
import { openRealHost } from '../../packages/enclave/test/engines/real-engines.ts'
import { type LiveTown, openLiveTown } from '../live/town.ts'
import { findChromium } from './find-chromium.ts'
import type { LiveNote, LivePageApi } from './live-page.ts'

declare const live: LivePageApi

const executablePath = findChromium()

const MODELS = join(import.meta.dirname, '../../models')

/** English speech, and then as long a pause as ends a sentence, twice: the model hears the first while the second is spoken. */
function recording(): Buffer {
  const note = readFileSync(join(MODELS, 'demo', 'session-note.wav'))
  const header = Buffer.from(note.subarray(0, 44))
  // As it is while somebody speaks: nobody knows how long it will be.
  header.writeUInt32LE(0xffff_ffff, 4)
  header.writeUInt32LE(0xffff_ffff, 40)
  const pause = Buffer.alloc(32_000)
  return Buffer.concat([header, note.subarray(44), pause, note.subarray(44)])
}

describe.skipIf(!executablePath)('in Chromium', () => {
  let pages: Server
  let browser: Browser
  let page: Page
  let host: EngineHost
  let town: LiveTown
  let stranger: LiveTown
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, 'live-page.ts')],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      conditions: ['browser'],
      target: 'es2024',
    })
    const script = outputFiles[0]!.text
    pages = createServer((request, response) => {
      const isScript = request.url === '/page.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script : '<!doctype html><meta charset=utf-8><script src=/page.js></script>')
    }).listen(0, '127.0.0.1')
    await once(pages, 'listening')
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    host = await openRealHost()
    const engine = await host.start(readModelDirectory(join(MODELS, 'sotto-ctc-synthetic-en')))
    town = await openLiveTown(
      (file, params, signal) => engine.transcribeFile(file, params, { signal }),
      [origin],
    )
    stranger = await openLiveTown(
      (file, params, signal) => engine.transcribeFile(file, params, { signal }),
      ['https://another.example'],
    )
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--autoplay-policy=no-user-gesture-required',
      ],
    })
    page = await browser.newPage()
    page.setDefaultTimeout(120_000)
    await page.goto(origin)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await town?.close()
    await stranger?.close()
    await host?.close()
    pages?.close()
  })

  const speak = (bytes: Buffer, heldBytes: number): Promise<LiveNote[]> =>
    page.evaluate(([relay, policy, base64, held]) => live.speak(relay, policy, base64, held, 5), [
      town.relay.url,
      JSON.stringify(town.world.policy),
      bytes.toString('base64'),
      heldBytes,
    ] as const)

  it('a page reads text before the last of the recording is sent', { timeout: 120_000 }, async () => {
    const bytes = recording()
    const notes = await speak(bytes, 3200)
    const first = notes.findIndex(({ what }) => what === 'heard')
    const last = notes.findLastIndex(({ what }) => what === 'sent')
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(last)
    expect(notes[last]).toEqual({ what: 'sent', bytes: bytes.length })
    const text = notes.flatMap((note) => (note.what === 'heard' ? [note.text] : [])).join('')
    expect(notes.at(-1)).toEqual({ what: 'done', text })
    expect(text.split(' ').length).toBeGreaterThan(8)
    expect(town.errors).toEqual([])
  })

  it('what MediaRecorder makes is read while it is being recorded', { timeout: 120_000 }, async () => {
    const { type, notes } = await page.evaluate(([relay, policy, wav]) => live.record(relay, policy, wav), [
      town.relay.url,
      JSON.stringify(town.world.policy),
      readFileSync(join(MODELS, 'demo', 'session-note.wav')).toString('base64'),
    ] as const)
    expect(type).toBe('audio/webm;codecs=opus')
    const first = notes.findIndex(({ what }) => what === 'heard')
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(notes.findLastIndex(({ what }) => what === 'sent'))
    const text = notes.flatMap((note) => (note.what === 'heard' ? [note.text] : [])).join('')
    expect(notes.at(-1)).toEqual({ what: 'done', text })
    expect(text.trim()).not.toBe('')
    expect(town.errors).toEqual([])
  })

  it('a service that refuses is heard inside the page', async () => {
    expect(
      await page.evaluate(([relay, policy]) => live.refusal(relay, policy), [
        town.relay.url,
        JSON.stringify(town.world.policy),
      ] as const),
    ).toBe('LIVE_REFUSED audio_format_unknown')
  })

  it('a page of an origin that is not listed opens nothing', async () => {
    expect(
      await page.evaluate(([relay, policy]) => live.refusal(relay, policy), [
        stranger.relay.url,
        JSON.stringify(stranger.world.policy),
      ] as const),
    ).toBe('BUNDLE_UNREACHABLE connection failed')
    const opened = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(url, 'sotto-ohttp')
          socket.addEventListener('open', () => resolve('open'))
          socket.addEventListener('close', ({ code }) => resolve(`closed ${code}`))
        }),
      `${stranger.relay.url.replace('http', 'ws')}/relay/inference`,
    )
    expect(opened).toBe('closed 1006')
  })
})

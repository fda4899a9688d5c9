import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import { type ModelOwner, modelOwner } from '@sotto/client'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeTrustPolicy } from '@sotto/verifier'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { readNetworks } from '../../examples/faces/people/networks.ts'
import { readPeople } from '../../examples/faces/people/enrol.ts'
import { publishFaces, type PublishedFaces } from '../../examples/faces/publish.ts'
import { servePage } from '../../examples/faces/serve.ts'
import { freePort } from '../log/parties.ts'
import { startTestStack, testdata, type TestStack } from '../stack/support.ts'
import { type Drawing, toPng, toY4m } from './faces-pictures.ts'

/** The detector of the test data: its weights are never copied into this repository. */
export function findDetector(): string | undefined {
  const folder = testdata('onnx')
  return folder === undefined ? undefined : join(folder, 'ultraface-RFB-320.onnx')
}

/** Folder of somebody's pictures, as the example takes it. */
export function writePeople(folder: string, people: Readonly<Record<string, Drawing>>): void {
  for (const [name, drawing] of Object.entries(people))
    writeFileSync(join(folder, `${name}.png`), toPng(drawing))
}

/** A whole stack with captures of every socket, and the example's page on it. */
export interface FacesTown {
  stack: TestStack
  published: PublishedFaces
  url: string
  /** A browser whose camera shows a film; one for each, because Chromium is told when it starts. */
  openBrowser(film: readonly Drawing[] | 'no camera'): Promise<BrowserContext>
  /** Serves the page no longer. */
  closePage(): void
  close(): Promise<void>
}

/** Starts it with these people enrolled. */
export async function openFacesTown(
  executablePath: string,
  detector: string,
  people: Readonly<Record<string, Drawing>>,
): Promise<FacesTown> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-faces-'))
  const owner: ModelOwner = modelOwner(crypto.randomBytes(32))
  const browsers: Browser[] = []
  // The page's port is chosen first: the relay is told of its origin when it starts.
  const port = await freePort()
  const browserOrigins = [`http://127.0.0.1:${port}`]
  const stack = await startTestStack({ tap: true, owner: owner.signer.publicKey, browserOrigins })
  writePeople(folder, people)
  const { relayUrl: relay, gateway, policy } = stack
  const target = { owner, name: 'faces', relay, gateway, policy }
  const { published } = await publishFaces(readNetworks({ detector }), readPeople(folder), target)
  const config = { ...published, relay, gateway, policy: fromUtf8(encodeTrustPolicy(policy)) }
  const page = await servePage(config, port)
  return {
    stack,
    published,
    url: page.url,
    async openBrowser(film) {
      const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
      args.push('--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream')
      if (film === 'no camera') args.push('--use-fake-device-for-media-stream=device-count=0')
      else {
        const file = join(folder, `film-${browsers.length}.y4m`)
        writeFileSync(file, toY4m(film, 10))
        args.push('--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${file}`)
      }
      const browser = await chromium.launch({ executablePath, args })
      browsers.push(browser)
      return browser.newContext({ viewport: { width: 1180, height: 860 } })
    },
    closePage: () => page.close(),
    async close() {
      for (const browser of browsers) await browser.close()
      page.close()
      await stack.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

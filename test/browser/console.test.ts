import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { afterAll, beforeAll, describe } from 'vitest'
import { assistantTests } from './console/assistant.ts'
import { hardTimesTests } from './console/hard-times.ts'
import { keyboardTests } from './console/keyboard.ts'
import { modelsTests, OWNER } from './console/models.ts'
import { type OpenConsole, openConsole } from './console/open-console.ts'
import { shellTests } from './console/shell.ts'
import { transcribeTests } from './console/transcribe.ts'
import { trustTests } from './console/trust.ts'
import { twoTabsTests } from './console/two-tabs.ts'
import { usedPagesTests } from './console/used-pages.ts'
import { findChromium } from './find-chromium.ts'

const executablePath = findChromium()

/** English speech and a pause that ends it: Chromium's microphone plays it over and over. */
function recording(): Buffer {
  const note = readFileSync(join(import.meta.dirname, '../../models/demo/session-note.wav'))
  // Two seconds of speech: a model that runs beside the page on two processors hears them soon.
  const samples = Buffer.concat([note.subarray(44, 44 + 96_000), Buffer.alloc(48_000)])
  const header = Buffer.from(note.subarray(0, 44))
  header.writeUInt32LE(36 + samples.length, 4)
  header.writeUInt32LE(samples.length, 40)
  return Buffer.concat([header, samples])
}

/** One service and one browser for all pages: both take longer to start than most of what is asked of them. */
describe.skipIf(!executablePath)('the console in Chromium', () => {
  let folder: string
  let desk: OpenConsole
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sotto-speech-'))
    const speech = join(folder, 'speech.wav')
    writeFileSync(speech, recording())
    desk = await openConsole({
      executablePath: executablePath!,
      args: ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${speech}`],
      stack: { owner: fromBase64Url(OWNER.key) },
    })
  })
  afterAll(async () => {
    await desk?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const opened = (): OpenConsole => desk
  shellTests(opened)
  trustTests(opened)
  assistantTests(opened)
  transcribeTests(opened)
  modelsTests(opened)
  keyboardTests(opened)
  twoTabsTests(opened)
  hardTimesTests(opened)
  usedPagesTests(opened)
})

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EngineHost, readModelDirectory } from '../../../src/engines/host/index.ts'
import { ask, codeOf, manifestOf, openHost, startFake } from './fake-model.ts'

let host: EngineHost

beforeAll(async () => {
  host = await openHost()
})

afterAll(() => host.close())

it('refuses files that are not the ones the manifest names', async () => {
  const good = new Map([['weights.bin', new TextEncoder().encode('good')]])
  const manifest = manifestOf(good)
  const bytes = (text: string): Map<string, Uint8Array> =>
    new Map([['weights.bin', new TextEncoder().encode(text)]])
  expect(await codeOf(host.start({ manifest, files: bytes('evil') }))).toBe('ENGINE_MODEL_INVALID')
  expect(await codeOf(host.start({ manifest, files: bytes('goo') }))).toBe('ENGINE_MODEL_INVALID')
  expect(await codeOf(host.start({ manifest, files: bytes('good and more') }))).toBe('ENGINE_MODEL_INVALID')
  expect(await codeOf(host.start({ manifest, files: new Map() }))).toBe('ENGINE_MODEL_INVALID')
  expect(await codeOf(host.start({ manifest: { ...manifest, engine: 'ctc' }, files: good }))).toBe(
    'ENGINE_MODEL_INVALID',
  )
})

it('says why a model did not load', async () => {
  expect(await codeOf(startFake(host, 'refuse to load'))).toBe('ENGINE_MODEL_INVALID')
  expect(await codeOf(startFake(host, 'die while loading'))).toBe('ENGINE_LOAD_FAILED')
  expect(await codeOf(startFake(host, 'load forever', { loadTimeoutMs: 300 }))).toBe('ENGINE_LOAD_FAILED')
})

it('says that the entry file does not exist', async () => {
  await expect(openHost({ entry: '/nonexistent/engine.js' })).rejects.toThrow()
})

it('takes weights in pieces', async () => {
  const whole = new Map([['weights.bin', new TextEncoder().encode('abcdef')]])
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const byte of whole.get('weights.bin')!) yield Uint8Array.of(byte)
  }
  const engine = await host.start({
    manifest: manifestOf(whole),
    files: new Map([['weights.bin', pieces()]]),
  })
  expect(engine.state).toBe('ready')
  await engine.close()
  expect(engine.state).toBe('closed')
})

it('reads a model that lies in a directory, and says what is missing there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sotto-model-'))
  try {
    expect(await codeOf((async () => readModelDirectory(directory))())).toBe('ENGINE_MODEL_INVALID')
    const files = new Map([['weights.bin', new TextEncoder().encode('open weights')]])
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifestOf(files)))
    expect(await codeOf(host.start(readModelDirectory(directory)))).toBe('ENGINE_MODEL_INVALID')
    writeFileSync(join(directory, 'weights.bin'), files.get('weights.bin')!)
    const engine = await host.start(readModelDirectory(directory))
    expect(await ask(engine, 'secret')).toBe('open weights')
    await engine.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
})

it('gives descriptors, memory and uids back', async () => {
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  for (let i = 0; i < 3; i++) await (await startFake(host, 'x')).close()
  await codeOf(startFake(host, 'refuse to load'))
  await expect.poll(open).toBeLessThanOrEqual(before)
})

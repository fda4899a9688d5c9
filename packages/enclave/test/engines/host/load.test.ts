import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EngineHost } from '../../../src/engines/host/index.ts'
import { codeOf, manifestOf, openHost, startFake } from './fake-model.ts'

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

import { afterEach, expect, it, vi } from 'vitest'
import { parseConfig } from '../../src/connection/config.ts'
import { openOutlet } from '../../src/connection/outlet.ts'
import { troubleOf } from '../../src/connection/trouble.ts'
import { KeepError } from '../../src/keep/database.ts'
import { words } from '../../src/words/index.ts'

const TRUST = new URL('https://relay.example/relay/inference/trust')
afterEach(() => vi.unstubAllGlobals())

it('remembers the bundle that was read, byte for byte, and no other answer', async () => {
  vi.stubGlobal('fetch', async () => new Response('{ "version":1 }', { headers: { etag: 'a' } }))
  const outlet = openOutlet(TRUST, new AbortController().signal)
  await (await outlet.fetch('https://relay.example/log/tile/0/000')).text()
  expect(outlet.bundle).toBeUndefined()
  const response = await outlet.fetch(TRUST)
  expect(response.headers.get('etag')).toBe('a')
  expect(await response.text()).toBe('{ "version":1 }')
  expect(await new Blob([...outlet.bundle!]).text()).toBe('{ "version":1 }')
})

it('ends what is on its way, and lets nothing more out', async () => {
  const over = new AbortController()
  vi.stubGlobal('fetch', (_input: unknown, { signal }: { signal: AbortSignal }) => {
    signal.throwIfAborted()
    return new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    )
  })
  const outlet = openOutlet(TRUST, over.signal)
  const own = new AbortController()
  const sent = [outlet.fetch('https://relay.example/'), outlet.fetch(TRUST, { signal: own.signal })]
  over.abort(new Error('refused'))
  for (const one of sent) await expect(one).rejects.toThrow('refused')
  await expect(outlet.fetch(TRUST)).rejects.toThrow('refused')
  expect(() => new outlet.webSocket('wss://relay.example/', 'sotto-ohttp')).toThrow('refused')
})

it('storage that is full is said in words for people', () => {
  const full = new KeepError(new DOMException('', 'QuotaExceededError'))
  expect(troubleOf(full).message).toBe(words.trouble.full)
  expect(troubleOf(new KeepError(new Error('closed'))).message).toBe(words.trouble.keep)
})

it.each(['<!doctype html>', '7', 'null', '{"relay":"https://relay.example","policy":null}'])(
  'console.json of %s is named in the refusal',
  async (text) => {
    await expect(parseConfig(text)).rejects.toThrow('console.json')
  },
)

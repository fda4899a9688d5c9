import { describe, expect, it } from 'vitest'
import { lackingFeature } from '../src/app/able.ts'

/** A browser with everything, but for what is replaced. */
const browser = (without: object = {}): typeof globalThis =>
  ({
    crypto: { subtle: {} },
    Promise,
    AbortSignal,
    Array,
    indexedDB: {},
    CSS: { supports: () => true },
    ...without,
  }) as unknown as typeof globalThis

describe('what a browser needs', () => {
  it('lacks nothing', () => expect(lackingFeature(browser())).toBeUndefined())

  it.each([
    ['HTTPS', { crypto: {} }],
    ['Promise.withResolvers', { Promise: {} }],
    ['AbortSignal.any', { AbortSignal: {} }],
    ['light-dark()', { CSS: { supports: () => false } }],
    ['light-dark()', { CSS: undefined }],
  ])('says that it lacks %s', (name, without) => expect(lackingFeature(browser(without))).toBe(name))
})

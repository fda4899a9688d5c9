import { expect, it } from 'vitest'
import { onlyComputes } from '../../src/api/index.ts'

it.each([
  ['POST', '/v1/chat/completions'],
  ['POST', '/v1/audio/transcriptions?x=1'],
  ['POST', '/v2/models/digits/infer'],
  ['POST', '/v2/models/owner/digits/versions/2/infer'],
])('%s %s changes nothing', (method, path) => {
  expect(onlyComputes(method, path)).toBe(true)
})

it.each([
  ['GET', '/v1/chat/completions'],
  ['DELETE', '/v1/sealed-models/x'],
  ['POST', '/v1/sealed-models/x/infer'],
  ['POST', '/v1/sealed-models?/v1/chat/completions'],
  ['POST', '/v1/chat/completions/'],
  ['POST', '/v2/models/digits/load'],
  ['POST', '/v1/sealed-models/v2/models/x/infer'],
])('%s %s may', (method, path) => {
  expect(onlyComputes(method, path)).toBe(false)
})

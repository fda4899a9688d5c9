import { expect, test } from 'vitest'
import { createDesk } from '../support/desk.ts'
import { parseBrowserOrigins } from '../../src/stack/browser-origins.ts'

test('origins are taken as browsers write them, each once', () => {
  const origins = ['http://127.0.0.1:8600', 'https://app.example', 'http://[::1]:3000']
  expect(parseBrowserOrigins([...origins, origins[0]!])).toEqual(origins)
  expect(parseBrowserOrigins([])).toEqual([])
})

test.each([
  ['*', 'scheme, host and port as in a browser, without a path'],
  ['127.0.0.1:8600', 'scheme, host and port as in a browser, without a path'],
  ['file:///tmp/page.html', 'scheme, host and port as in a browser, without a path'],
  ['null', 'scheme, host and port as in a browser, without a path'],
  ['', 'scheme, host and port as in a browser, without a path'],
  ['http://127.0.0.1:8600/', 'http://127.0.0.1:8600'],
  ['https://app.example:443', 'https://app.example'],
  ['https://App.example', 'https://app.example'],
  ['https://user@app.example', 'https://app.example'],
  ['https://app.example/page?x=1', 'https://app.example'],
])('%j is refused, and what was meant is named', (word, expected) => {
  expect(() => parseBrowserOrigins(['https://fine.example', word])).toThrow(
    expect.objectContaining({ code: 'CLI_USAGE', expected }),
  )
})

test('more than the relay takes are refused', () => {
  const many = Array.from({ length: 31 }, (_, i) => `https://app${i}.example`)
  expect(() => parseBrowserOrigins(many)).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
  expect(parseBrowserOrigins(many.slice(1))).toHaveLength(30)
})

test('sotto up refuses one before it starts anything', async () => {
  const desk = await createDesk()
  const { code, stderr } = await desk.sotto(['up', '--browser-origin', 'http://127.0.0.1:8600/'])
  expect([code, stderr]).toEqual([
    2,
    'error: --browser-origin http://127.0.0.1:8600/ is no web origin [CLI_USAGE]\n' +
      '  expected: http://127.0.0.1:8600\n' +
      'hint: for instance --browser-origin http://127.0.0.1:8600\n',
  ])
  desk.clear()
})

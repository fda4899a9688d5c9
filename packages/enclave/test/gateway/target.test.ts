import { expect, test } from 'vitest'
import type { BhttpRequestHead } from '@sotto/protocol/bhttp'
import { admitTarget } from '../../src/gateway/target.ts'

function head(change: Partial<BhttpRequestHead> = {}): BhttpRequestHead {
  return {
    method: 'POST',
    scheme: 'https',
    authority: 'inference.sotto',
    path: '/v1/models',
    fields: [],
    ...change,
  }
}

test('admits the one authority, by pseudo-field or by host', () => {
  expect(admitTarget(head()).url).toBe('https://inference.sotto/v1/models')
  expect(admitTarget(head({ authority: '', fields: [['host', 'inference.sotto']] })).url).toBe(
    'https://inference.sotto/v1/models',
  )
  expect(admitTarget(head({ path: '/v1/models?limit=2&after=a%20b' })).url).toBe(
    'https://inference.sotto/v1/models?limit=2&after=a%20b',
  )
})

test('admits the authority of an app where one is served, and nowhere else', () => {
  const both = ['inference.sotto', 'app.sotto']
  const ofApp = head({ authority: 'app.sotto' })
  expect(admitTarget(ofApp, both)).toMatchObject({
    authority: 'app.sotto',
    url: 'https://app.sotto/v1/models',
  })
  expect(admitTarget(head(), both)).toMatchObject({ authority: 'inference.sotto' })
  const byHost = head({ authority: '', fields: [['host', 'app.sotto']] })
  expect(admitTarget(byHost, both).authority).toBe('app.sotto')
  const refused = expect.objectContaining({ code: 'GATEWAY_TARGET' })
  expect(() => admitTarget(ofApp)).toThrow(refused)
  expect(() =>
    admitTarget(head({ authority: 'app.sotto', fields: [['host', 'inference.sotto']] }), both),
  ).toThrow(refused)
  expect(() =>
    admitTarget(head({ authority: 'inference.sotto', fields: [['host', 'app.sotto']] }), both),
  ).toThrow(refused)
  expect(() => admitTarget(head({ authority: 'app.sotto:8080' }), both)).toThrow(refused)
  expect(() => admitTarget(head({ authority: 'api.app.sotto' }), both)).toThrow(refused)
})

test.each<[string, Partial<BhttpRequestHead>]>([
  ['another authority', { authority: 'evil.example' }],
  ['a port', { authority: 'inference.sotto:8080' }],
  ['user info', { authority: 'user@inference.sotto' }],
  ['a look-alike', { authority: 'inference.sotto.evil.example' }],
  ['the metadata service', { authority: '169.254.169.254' }],
  ['loopback', { authority: 'localhost' }],
  ['no authority at all', { authority: '' }],
  ['a host that disagrees', { fields: [['host', 'evil.example']] }],
  [
    'two hosts',
    {
      authority: '',
      fields: [
        ['host', 'inference.sotto'],
        ['host', 'inference.sotto'],
      ],
    },
  ],
  ['http', { scheme: 'http' }],
  ['file', { scheme: 'file' }],
  ['CONNECT', { method: 'CONNECT' }],
  ['TRACE', { method: 'TRACE' }],
  ['a lower-case method', { method: 'post' }],
  ['an absolute path', { path: 'https://evil.example/' }],
  ['a network path', { path: '//evil.example/' }],
  ['dot segments', { path: '/v1/../admin' }],
  ['encoded dot segments', { path: '/v1/%2e%2E/admin' }],
  ['a backslash', { path: '/\\evil.example' }],
  ['a fragment', { path: '/v1/models#x' }],
  ['a space', { path: '/v1/models HTTP/1.1' }],
  ['line breaks', { path: '/v1/models\r\nhost: evil' }],
  ['a broken escape', { path: '/v1/%zz' }],
  ['an empty path', { path: '' }],
  ['an asterisk', { path: '*' }],
])('refuses %s', (_, change) => {
  expect(() => admitTarget(head(change))).toThrow(expect.objectContaining({ code: 'GATEWAY_TARGET' }))
})

test('only fields without identity reach the app', () => {
  const { headers } = admitTarget(
    head({
      fields: [
        ['content-type', 'application/json'],
        ['accept', 'text/event-stream'],
        ['authorization', 'Bearer x'],
        ['cookie', 'a=b'],
        ['user-agent', 'x'],
        ['x-stainless-os', 'Linux'],
        ['x-forwarded-for', '192.0.2.1'],
        ['content-length', '5'],
      ],
    }),
  )
  expect([...headers]).toEqual([
    ['accept', 'text/event-stream'],
    ['content-type', 'application/json'],
  ])
})

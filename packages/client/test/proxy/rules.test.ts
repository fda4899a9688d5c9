import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ModelOwner } from '../../src/models/index.ts'
import { acceptedHosts, checkOptions } from '../../src/proxy/rules.ts'
import type { StartProxyOptions } from '../../src/proxy/index.ts'
import { startTestProxy, TRUST } from './folder.ts'

const sotto: StartProxyOptions['sotto'] = { fetch: globalThis.fetch, trust: TRUST, receipts: [] }
const owner = { owner: {} as ModelOwner, secret: 'x'.repeat(32) }
const tls = { certFile: 'c', keyFile: 'k' }
const mutual = { ...tls, clientCaFile: 'ca' }

describe('options of a proxy', () => {
  it.each<[string, Partial<StartProxyOptions>]>([
    ['everybody beyond this machine', { host: '0.0.0.0' }],
    ['everybody beyond this machine, over TLS', { host: '0.0.0.0', tls }],
    ['users and a secret for all', { usersFile: 'u', apiKey: 'k' }],
    ['certificates and a secret for all', { tls: mutual, apiKey: 'k' }],
    ['users of an owner', { usersFile: 'u', owner }],
    ['certificates for an owner', { tls: mutual, owner }],
    ['an owner beyond this machine', { host: '0.0.0.0', apiKey: 'k', owner }],
    ['a secret of an owner that could be guessed', { owner: { ...owner, secret: 'short' } }],
    ['a line to wait in without a bound', { limits: { maxWaiting: 5 } }],
    ['a time to wait without a bound', { limits: { maxWaitMs: 5 } }],
    ['names of users where there are none', { logUsers: true, apiKey: 'k' }],
    ['metrics on the port of the proxy', { port: 9000, metrics: { host: '127.0.0.1', port: 9000 } }],
    ['metrics on the default port of the proxy', { metrics: { host: '127.0.0.1', port: 8787 } }],
  ])('are refused for %s', (_, options) => {
    expect(() => checkOptions({ sotto, ...options })).toThrow(
      expect.objectContaining({ code: 'PROXY_CONFIG', action: 'fix-input' }),
    )
  })

  it.each<[string, Partial<StartProxyOptions>]>([
    ['nothing but a service', {}],
    ['a secret beyond this machine', { host: '0.0.0.0', apiKey: 'k' }],
    ['users beyond this machine', { host: '0.0.0.0', usersFile: 'u' }],
    ['certificates beyond this machine', { host: '0.0.0.0', tls: mutual }],
    ['users with certificates', { host: '0.0.0.0', tls: mutual, usersFile: 'u', logUsers: true }],
    ['an owner on this machine', { owner, apiKey: 'k' }],
    ['a bound and a line', { limits: { maxConcurrent: 1, maxWaiting: 0, maxWaitMs: 1 } }],
  ])('are taken for %s', (_, options) => {
    expect(() => checkOptions({ sotto, ...options })).not.toThrow()
  })

  it('leave no port open when the one for metrics is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const { port } = free.address() as AddressInfo
    free.close()
    await once(free, 'close')
    const metrics = { host: '127.0.0.1', port: (taken.address() as AddressInfo).port }
    const started = startTestProxy(() => Response.json({}), { port, metrics })
    await expect(started).rejects.toMatchObject({ code: 'PROXY_CONFIG', found: 'EADDRINUSE' })
    const { proxy } = await startTestProxy(() => Response.json({}), { port })
    expect(proxy.url).toContain(String(port))
  })
})

describe('accepted values of Host', () => {
  it('are names of this machine, and further ones with and without the port', () => {
    expect(acceptedHosts([], 'http', 8787)).toEqual(['127.0.0.1:8787', 'localhost:8787', '[::1]:8787'])
    expect(acceptedHosts(['ai.example', 'ai.example:444', '[fd00::1]'], 'https', 8443).slice(3)).toEqual([
      'ai.example:8443',
      'ai.example',
      'ai.example:444',
      '[fd00::1]:8443',
      '[fd00::1]',
    ])
    expect(acceptedHosts(['ai.example:443'], 'https', 443).slice(3)).toEqual(['ai.example'])
  })

  it.each(['bad host', 'a/b', 'a@b', 'a?b', '', 'a:b', 'a:99999'])('are not %j', (name) => {
    expect(() => acceptedHosts([name], 'http', 1)).toThrow(expect.objectContaining({ code: 'PROXY_CONFIG' }))
  })
})

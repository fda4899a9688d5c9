import { describe, expect, it } from 'vitest'
import { logAddress, relayAddresses } from '../../src/trust/relay-url.ts'

describe('relayAddresses', () => {
  it.each([
    ['https://relay.example', 'https://relay.example/relay/inference'],
    ['https://relay.example/', 'https://relay.example/relay/inference'],
    ['https://relay.example/eu/', 'https://relay.example/eu/relay/inference'],
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000/relay/inference'],
    ['http://localhost:4000', 'http://localhost:4000/relay/inference'],
    ['http://[::1]:4000', 'http://[::1]:4000/relay/inference'],
  ])('of %s', (url, requests) => {
    const addresses = relayAddresses(url, 'inference')
    expect([addresses.requests.href, addresses.trust.href]).toEqual([requests, `${requests}/trust`])
  })

  it.each([
    ['http beyond this machine', 'http://relay.example', 'inference'],
    ['a host that looks like loopback', 'http://127.0.0.1.evil.example', 'inference'],
    ['another scheme', 'file:///etc', 'inference'],
    ['credentials', 'https://a:b@relay.example', 'inference'],
    ['a query', 'https://relay.example/?gateway=x', 'inference'],
    ['a fragment', 'https://relay.example/#x', 'inference'],
    ['no URL', 'relay.example', 'inference'],
    ['a gateway with a path', 'https://relay.example', '../admin'],
    ['an empty gateway', 'https://relay.example', ''],
  ])('refuses %s', (_, url, gateway) => {
    expect(() => relayAddresses(url, gateway)).toThrow(expect.objectContaining({ code: 'RELAY_URL' }))
  })
})

describe('logAddress', () => {
  it('is at the relay unless it has an address of its own', () => {
    expect(logAddress('https://relay.example/eu/', undefined).href).toBe('https://relay.example/eu/log')
    expect(logAddress('https://relay.example', 'https://log.example/2026/').href).toBe(
      'https://log.example/2026',
    )
    expect(() => logAddress('https://relay.example', 'http://log.example')).toThrow(
      expect.objectContaining({ code: 'RELAY_URL' }),
    )
  })
})

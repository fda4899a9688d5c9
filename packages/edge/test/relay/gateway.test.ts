import { describe, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/relay/gateway.ts'

const URLS = ['http://a:1', 'http://b:1', 'http://c:1']
const taken = (gateway: Gateway, times: number): string[] =>
  Array.from({ length: times }, () => gateway.take()!.origin)

describe('the choice of an origin', () => {
  test('falls on the one with the fewest exchanges, and equals take turns', () => {
    const gateway = createGateway(URLS)
    expect(taken(gateway, 6).sort()).toEqual([...URLS, ...URLS].sort())
    const place = gateway.take()!
    place.leave()
    place.leave()
    expect(taken(gateway, 3).sort()).toEqual(URLS)
  })

  test('passes over whoever is not ready until it says that it is', () => {
    const gateway = createGateway(URLS)
    gateway.learn('http://b:1', 'not-ready')
    expect(new Set(taken(gateway, 6))).toEqual(new Set(['http://a:1', 'http://c:1']))
    gateway.learn('http://b:1', 'ready')
    expect(taken(gateway, 3)).toEqual(['http://b:1', 'http://b:1', 'http://b:1'])
  })

  test('passes over whoever took no connection', () => {
    const gateway = createGateway(URLS)
    const place = gateway.take()!
    place.unreachable()
    place.leave()
    expect(taken(gateway, 6)).not.toContain(place.origin)
  })

  test('falls last on those that asked to come back later', () => {
    const gateway = createGateway(URLS)
    const busy = gateway.take()!
    busy.busy()
    busy.leave()
    expect(taken(gateway, 6)).not.toContain(busy.origin)
    for (const url of URLS) if (url !== busy.origin) gateway.learn(url, 'not-ready')
    expect(gateway.take()!.origin).toBe(busy.origin)
    gateway.learn(busy.origin, 'not-ready')
    expect(gateway.take()).toBeUndefined()
  })

  test('falls on those that were not heard of when there is nobody else, and never on those that said no', () => {
    const gateway = createGateway(URLS)
    gateway.learn('http://a:1', 'nothing')
    gateway.learn('http://b:1', 'not-ready')
    expect(new Set(taken(gateway, 6))).toEqual(new Set(['http://c:1']))
    gateway.learn('http://c:1', 'not-ready')
    expect(taken(gateway, 2)).toEqual(['http://a:1', 'http://a:1'])
  })

  test('takes no word for another: who said no is not asked because nobody reached it, or it was busy', () => {
    const gateway = createGateway(URLS)
    const place = gateway.take()!
    gateway.learn(place.origin, 'not-ready')
    place.unreachable()
    place.busy()
    place.leave()
    for (const url of URLS) if (url !== place.origin) gateway.learn(url, 'not-ready')
    expect(gateway.take()).toBeUndefined()
  })

  test('never falls on the excepted one', () => {
    const gateway = createGateway(URLS.slice(0, 2))
    for (let i = 0; i < 4; i++) expect(gateway.take('http://a:1')!.origin).toBe('http://b:1')
    gateway.learn('http://b:1', 'not-ready')
    expect(gateway.take('http://a:1')).toBeUndefined()
  })

  test('is none where there is one origin: it is asked whatever is known of it', () => {
    const gateway = createGateway(['http://a:1'])
    gateway.take()!.unreachable()
    gateway.learn('http://a:1', 'not-ready')
    expect(gateway.take()!.origin).toBe('http://a:1')
    expect(gateway.take('http://a:1')).toBeUndefined()
  })
})

describe('documents', () => {
  test('come from the first that is ready, and from the others only when there is none', () => {
    const gateway = createGateway(URLS)
    expect(gateway.documentOrigins()).toEqual(URLS)
    gateway.learn('http://a:1', 'not-ready')
    expect(gateway.documentOrigins()).toEqual(['http://b:1', 'http://c:1', 'http://a:1'])
  })

  test('come from the one that lacked a key: it is behind, and what it names all of them hold', () => {
    const gateway = createGateway(URLS)
    gateway.lacksKey('http://c:1')
    expect(gateway.documentOrigins()).toEqual(['http://c:1', 'http://a:1', 'http://b:1'])
    gateway.learn('http://c:1', 'not-ready')
    expect(gateway.documentOrigins()[0]).toBe('http://a:1')
  })
})

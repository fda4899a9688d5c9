import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { newUserKey, type ProxyUser, type ProxyUsers } from '../../src/proxy/index.ts'
import { encodeProxyUsers, indexUsers, parseProxyUsers, USER_NAME } from '../../src/proxy/users.ts'

const ada = newUserKey()
const bob = newUserKey()
const users: ProxyUsers = {
  version: 1,
  users: [
    { name: 'ada', key: ada.key, limits: { requestsPerMinute: 60, concurrent: 2 } },
    { name: 'bob@example.org', key: bob.key, disabled: true },
    { name: 'carol' },
  ],
}

describe('a key of a user', () => {
  it('has 256 random bits, a public name, and a form that scanners for secrets know', () => {
    expect(ada.secret).toMatch(/^sk-sotto-[0-9a-f]{12}-[A-Za-z0-9_-]{43}$/)
    expect(ada.secret).toContain(ada.key.id)
    expect(new Set([ada.secret, bob.secret, newUserKey().secret]).size).toBe(3)
  })

  it(claim('T21', 'is kept as a salted hash: nothing of it stands in the file'), () => {
    const file = encodeProxyUsers(users)
    const secretPart = ada.secret.slice(-43)
    expect(file).not.toContain(secretPart)
    expect(Buffer.from(ada.key.hash, 'base64url')).toHaveLength(32)
    // The same key with another salt is kept as something else.
    expect(new Set(Array.from({ length: 8 }, () => newUserKey().key.salt)).size).toBe(8)
  })

  it('is its owner’s alone', () => {
    const index = indexUsers(users)
    expect(index.byKey(ada.secret)?.name).toBe('ada')
    expect(index.byKey(bob.secret)?.name).toBe('bob@example.org')
    expect(index.byName('carol')?.name).toBe('carol')
    expect(index.byName('constructor')).toBeUndefined()
  })

  it('is nobody’s when anything of it is another', () => {
    const index = indexUsers(users)
    const mixed = ada.secret.slice(0, 22) + bob.secret.slice(22)
    for (const wrong of ['', 'sk-sotto-', mixed, `${ada.secret}x`, ada.secret.toUpperCase(), ada.key.hash])
      expect(index.byKey(wrong)).toBeUndefined()
    fc.assert(
      fc.property(fc.nat(ada.secret.length - 1), fc.integer({ min: 1, max: 127 }), (at, flip) => {
        const changed = String.fromCharCode(ada.secret.charCodeAt(at) ^ flip)
        expect(index.byKey(ada.secret.slice(0, at) + changed + ada.secret.slice(at + 1))).toBeUndefined()
      }),
    )
  })
})

describe('a file of users', () => {
  const user: fc.Arbitrary<ProxyUser> = fc
    .record({
      name: fc.stringMatching(USER_NAME),
      key: fc.option(
        fc.constant(undefined).map(() => newUserKey().key),
        { nil: undefined },
      ),
      limits: fc.option(
        fc.record(
          {
            requestsPerMinute: fc.integer({ min: 1, max: 1_000_000 }),
            concurrent: fc.integer({ min: 1, max: 10_000 }),
          },
          { requiredKeys: [] },
        ),
        { nil: undefined },
      ),
      disabled: fc.option(fc.boolean(), { nil: undefined }),
    })
    .map((one) => JSON.parse(JSON.stringify(one)) as ProxyUser)

  it('says what it was made from', () => {
    fc.assert(
      fc.property(fc.uniqueArray(user, { selector: ({ name }) => name, maxLength: 8 }), (some) => {
        const file: ProxyUsers = { version: 1, users: some }
        expect(parseProxyUsers(encodeProxyUsers(file))).toEqual(file)
      }),
      { numRuns: 50 },
    )
  })

  it('is refused or read, and nothing else, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseProxyUsers(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROXY_CONFIG', action: 'fix-input' })
        }
      }),
    )
  })

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['no version', { users: [] }],
    ['another version', { version: 2, users: [] }],
    ['no users', { version: 1 }],
    ['an unknown member', { version: 1, users: [], admins: [] }],
    ['a member twice', '{"version":1,"version":1,"users":[]}'],
    ['something behind it', '{"version":1,"users":[]}x'],
    ['a user without a name', { version: 1, users: [{ key: ada.key }] }],
    ['a name that is no name', { version: 1, users: [{ name: '-ada' }] }],
    ['a name with a line break', { version: 1, users: [{ name: 'ada\n' }] }],
    ['a name that is too long', { version: 1, users: [{ name: 'a'.repeat(65) }] }],
    ['a name twice', { version: 1, users: [{ name: 'ada' }, { name: 'ada' }] }],
    [
      'a key twice',
      {
        version: 1,
        users: [
          { name: 'ada', key: ada.key },
          { name: 'bob', key: ada.key },
        ],
      },
    ],
    ['a key in clear', { version: 1, users: [{ name: 'ada', key: ada.secret }] }],
    [
      'a key without salt',
      { version: 1, users: [{ name: 'ada', key: { id: ada.key.id, hash: ada.key.hash } }] },
    ],
    ['a short hash', { version: 1, users: [{ name: 'ada', key: { ...ada.key, hash: 'AAAA' } }] }],
    ['a short salt', { version: 1, users: [{ name: 'ada', key: { ...ada.key, salt: '' } }] }],
    ['no requests at all', { version: 1, users: [{ name: 'ada', limits: { requestsPerMinute: 0 } }] }],
    ['half a request', { version: 1, users: [{ name: 'ada', limits: { concurrent: 0.5 } }] }],
    ['a limit nobody knows', { version: 1, users: [{ name: 'ada', limits: { tokens: 5 } }] }],
    ['a word for a flag', { version: 1, users: [{ name: 'ada', disabled: 'yes' }] }],
    ['too many users', { version: 1, users: Array.from({ length: 10_001 }, (_, i) => ({ name: `u${i}` })) }],
  ])('is refused with %s, and its words are not repeated', (_, content) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    let refusal: Error | undefined
    try {
      parseProxyUsers(text)
    } catch (error) {
      refusal = error as Error
    }
    expect(refusal).toMatchObject({ code: 'PROXY_CONFIG' })
    const { message, found = '' } = refusal as Error & { found?: string }
    expect(message + found).not.toContain(ada.secret.slice(-20))
  })
})

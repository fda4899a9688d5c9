import { ed25519 } from '@noble/curves/ed25519.js'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto, type VerifyingKey } from '@sotto/protocol/crypto-backend'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'
import { wycheproof } from '../../../../scripts/vectors/wycheproof.ts'
import { isPlain, isValidNatively } from '../../src/crypto-backend/browser-native.ts'
import { badKey } from './backends.ts'

vi.mock('../../src/crypto-backend/node.ts', () => import('../../src/crypto-backend/browser.ts'))

const { subtle } = globalThis.crypto
const message = utf8('message')
const signer = (n: number): ReturnType<typeof crypto.ed25519.importPrivate> =>
  crypto.ed25519.importPrivate(new Uint8Array(32).fill(n))
const keyOf = (n: number): VerifyingKey => crypto.ed25519.importPublic(signer(n).publicKey)

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

it('runs on the backend for browsers', () => {
  expect(crypto.name).toBe('browser')
})

// Every case once more, with whatever it verifies verified by WebCrypto first.
describeVectors({
  ...wycheproof,
  *cases(files) {
    for (const one of wycheproof.cases(files))
      // Cases that wait for something have no signature.
      yield { ...one, run: () => crypto.verifyTogether(() => one.run()).then((outcome) => outcome) }
  },
})

describe('a judgement', () => {
  it('counts once every signature has its answer; until then one that was not asked for is none', async () => {
    const signature = signer(1).sign(message)
    const runs: boolean[][] = []
    const judge = (): boolean[] => {
      const first = keyOf(1).verify(message, signature)
      // Comes to the second one only when the first one is valid.
      const run = [
        first,
        first && keyOf(2).verify(message, signer(2).sign(message)),
        keyOf(3).verify(message, signature),
      ]
      runs.push(run)
      return run
    }
    await expect(crypto.verifyTogether(judge)).resolves.toEqual([true, true, false])
    expect(runs).toEqual([
      [false, false, false],
      [true, false, false],
      [true, true, false],
    ])
    runs.length = 0
    const foresee = (): unknown => keyOf(2).verify(message, signer(2).sign(message))
    await expect(crypto.verifyTogether(judge, foresee)).resolves.toEqual([true, true, false])
    expect(runs).toHaveLength(2)
  })

  it('throws what the run throws that counts', async () => {
    const signature = signer(1).sign(message)
    const refuse = (n: number) => () => {
      if (!keyOf(n).verify(message, signature)) throw new Error(`not of ${n}`)
      return 'verified'
    }
    await expect(crypto.verifyTogether(refuse(1))).resolves.toBe('verified')
    await expect(crypto.verifyTogether(refuse(2))).rejects.toThrow('not of 2')
    await expect(
      crypto.verifyTogether(() => crypto.ed25519.importPublic(new Uint8Array(32))),
    ).rejects.toThrow(badKey)
  })

  it('takes an answer for exactly these bytes', async () => {
    const signature = signer(1).sign(message)
    const given = message.slice()
    const judge = (): boolean[] => {
      const found = [keyOf(1).verify(given, signature), keyOf(1).verify(utf8('massage'), signature)]
      found.push(keyOf(2).verify(message, signature))
      // Whoever asked writes over it while the platform verifies.
      given.fill(0)
      given.set(message)
      return found
    }
    await expect(crypto.verifyTogether(judge)).resolves.toEqual([true, false, false])
  })

  it('leaves nothing behind, and others do not see it', async () => {
    const signature = signer(1).sign(message)
    const judging = crypto.verifyTogether(() => keyOf(1).verify(message, signature))
    // Between two runs.
    expect(keyOf(1).verify(message, signature)).toBe(true)
    expect(keyOf(2).verify(message, signature)).toBe(false)
    await judging
    expect(keyOf(2).verify(message, signature)).toBe(false)
    const verify = vi.spyOn(subtle, 'verify')
    await crypto.verifyTogether(() => keyOf(1).verify(message, signature))
    expect(verify).toHaveBeenCalledOnce()
  })

  it('comes to an end where signatures follow one another, or are many', async () => {
    const signatures = Array.from({ length: 600 }, (_, n) => signer(1 + (n % 3)).sign(utf8(`${n}`)))
    const check = (n: number): boolean => keyOf(1 + (n % 3)).verify(utf8(`${n}`), signatures[n]!)
    let runs = 0
    const chain = (): number => {
      runs += 1
      const end = signatures.slice(0, 12).findIndex((_, n) => !check(n))
      return end === -1 ? 12 : end
    }
    await expect(crypto.verifyTogether(chain)).resolves.toBe(12)
    expect(runs).toBe(6)
    const all = (): number => signatures.filter((_, n) => check(n)).length
    await expect(crypto.verifyTogether(all, () => void all())).resolves.toBe(600)
  })

  it('is one run without WebCrypto, and what is foreseen is then not looked at', async () => {
    vi.stubGlobal('crypto', { getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) })
    const foresee = vi.fn<() => void>()
    const judge = vi.fn(() => keyOf(1).verify(message, signer(1).sign(message)))
    await expect(crypto.verifyTogether(judge, foresee)).resolves.toBe(true)
    expect([judge.mock.calls.length, foresee.mock.calls.length]).toEqual([1, 0])
  })

  it('does not take a key of one algorithm for that of another', async () => {
    const { publicKey } = crypto.ecdsa.generate('P-256')
    await expect(
      crypto.verifyTogether(() => {
        crypto.ecdsa.importPublic('P-256', 'sha256', publicKey)
        return crypto.ed25519.importPublic(publicKey)
      }),
    ).rejects.toThrow(badKey)
  })

  it('is not moved by what is foreseen, which may fail', async () => {
    const judge = (): boolean => keyOf(2).verify(message, signer(1).sign(message))
    const foresee = (): never => {
      keyOf(2).verify(message, signer(1).sign(message))
      throw new Error('a guess')
    }
    await expect(crypto.verifyTogether(judge, foresee)).resolves.toBe(false)
  })
})

describe('a platform', () => {
  const signature = signer(1).sign(message)
  const judge = (): boolean => keyOf(1).verify(message, signature)

  it('that says no decides nothing: noble does, once', async () => {
    vi.spyOn(subtle, 'verify').mockResolvedValue(false)
    await expect(crypto.verifyTogether(judge)).resolves.toBe(true)
    vi.spyOn(subtle, 'importKey').mockRejectedValue(new DOMException('Ed25519', 'NotSupportedError'))
    await expect(crypto.verifyTogether(judge)).resolves.toBe(true)
    await expect(crypto.verifyTogether(() => keyOf(2).verify(message, signature))).resolves.toBe(false)
  })

  it('that says yes is not asked about what is not plain', async () => {
    const verify = vi.spyOn(subtle, 'verify').mockResolvedValue(true)
    for (const [, key, bytes] of strangeSignatures().filter(([what]) => what.includes('spelled')))
      await expect(crypto.verifyTogether(() => isValid(key, bytes))).resolves.toBe(false)
    const { privateKey, publicKey } = crypto.ecdsa.generate('P-256')
    const raw = crypto.ecdsa.importPrivate('P-256', 'sha256', privateKey).sign(message)
    const order = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    for (const scalar of [new Uint8Array(32), order, new Uint8Array(32).fill(255)])
      for (const forged of [
        concat(scalar, raw.subarray(32)),
        concat(raw.subarray(0, 32), scalar),
        raw.subarray(1),
      ])
        await expect(
          crypto.verifyTogether(() =>
            crypto.ecdsa.importPublic('P-256', 'sha256', publicKey).verify(message, forged),
          ),
        ).resolves.toBe(false)
    expect(verify).not.toHaveBeenCalled()
  })

  it('verifies ECDSA on every curve, and no other message', async () => {
    const verify = vi.spyOn(subtle, 'verify')
    for (const curve of ['P-256', 'P-384', 'P-521'] as const)
      for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
        const { privateKey, publicKey } = crypto.ecdsa.generate(curve)
        const raw = crypto.ecdsa.importPrivate(curve, hash, privateKey).sign(message)
        const key = crypto.ecdsa.importPublic(curve, hash, publicKey)
        await expect(
          crypto.verifyTogether(() => [key.verify(message, raw), key.verify(utf8('massage'), raw)]),
        ).resolves.toEqual([true, false])
      }
    expect(verify).toHaveBeenCalledTimes(18)
  })
})

/**
 * Where libraries disagree about Ed25519 (Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs, Section 5): points of low
 * or mixed order, scalars and points that are spelled in another way.
 */
describe.each(strangeSignatures())('an Ed25519 signature with %s', (what, key, signature, isNobles) => {
  it(`is ${isNobles ? '' : 'not '}valid, whoever verifies first`, async () => {
    let plainly: boolean | undefined
    try {
      plainly = isValid(key, signature)
    } catch (error) {
      expect(error).toEqual(badKey)
    }
    expect(plainly === true).toBe(isNobles)
    const together = crypto.verifyTogether(() => isValid(key, signature))
    if (plainly === undefined) await expect(together).rejects.toThrow(badKey)
    else await expect(together).resolves.toBe(plainly)
    // What a platform holds valid and is asked about, noble holds valid.
    const question = { algorithm: 'Ed25519', key, message, signature } as const
    if (plainly !== undefined && isPlain(question) && (await isValidNatively(question)))
      expect(plainly).toBe(true)
    expect(isPlain(question)).toBe(!what.includes('spelled'))
  })
})

function isValid(key: Uint8Array, signature: Uint8Array): boolean {
  return crypto.ed25519.importPublic(key).verify(message, signature)
}

/** What it has, key, signature, and whether noble holds it valid by the rules of this backend. */
function strangeSignatures(): [what: string, key: Uint8Array, signature: Uint8Array, isNobles: boolean][] {
  const { Point } = ed25519
  const { BASE, Fn, Fp } = Point
  const [secret, nonce] = [123_456_789n, 987_654_321n]
  const key = BASE.multiply(secret)
  const ofOrder8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const mixedKey = key.add(ofOrder8)
  const challenge = (r: Uint8Array, a: Uint8Array): bigint =>
    Fn.create(fromLittleEndian(crypto.sha512(r, a, message)))
  const made = (r: Uint8Array, of: bigint, a: Uint8Array = key.toBytes(), more = 0n): Uint8Array =>
    concat(r, toLittleEndian(Fn.create(of + challenge(r, a) * secret) + more))
  const point = BASE.multiply(nonce).toBytes()
  /** A nonce after which eight times the challenge under the key of mixed order is, or is not, needed. */
  const nonceWhere = (isMultiple: boolean): bigint => {
    for (let of = nonce; ; of++)
      if ((challenge(BASE.multiply(of).toBytes(), mixedKey.toBytes()) % 8n === 0n) === isMultiple) return of
  }
  const mixed = (isMultiple: boolean): Uint8Array => {
    const of = nonceWhere(isMultiple)
    return made(BASE.multiply(of).toBytes(), of, mixedKey.toBytes())
  }
  const zero = Point.ZERO.toBytes()
  const ofOrder2 = toLittleEndian(Fp.ORDER - 1n)
  const withSign = (bytes: Uint8Array): Uint8Array => bytes.with(31, bytes[31]! | 0x80)
  const good = made(point, nonce)
  return [
    ['nothing strange', key.toBytes(), good, true],
    [
      'a scalar spelled with the order added',
      key.toBytes(),
      made(point, nonce, key.toBytes(), Fn.ORDER),
      false,
    ],
    [
      'a point of mixed order',
      key.toBytes(),
      made(BASE.multiply(nonce).add(ofOrder8).toBytes(), nonce),
      true,
    ],
    ['a key of mixed order, verified by either equation', mixedKey.toBytes(), mixed(true), true],
    ['a key of mixed order, verified by the cofactored equation', mixedKey.toBytes(), mixed(false), true],
    ['a key of low order', ofOrder8.toBytes(), made(point, nonce, ofOrder8.toBytes()), false],
    ['a key that is written above the prime', toLittleEndian(Fp.ORDER + 1n), good, false],
    ['a key of which zero has a sign', withSign(zero), good, false],
    ['a point that is zero', key.toBytes(), made(zero, 0n), true],
    ['a point of order 2', key.toBytes(), made(ofOrder2, 0n), true],
    ['a point spelled above the prime', key.toBytes(), made(toLittleEndian(Fp.ORDER + 1n), 0n), false],
    ['a point spelled with a sign of zero', key.toBytes(), made(withSign(zero), 0n), false],
    ['a point of order 2 spelled with a sign of zero', key.toBytes(), made(withSign(ofOrder2), 0n), false],
  ]
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`)
}

function toLittleEndian(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).reverse()
}

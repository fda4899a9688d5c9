import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, uint } from '@sotto/protocol/bytes'
import { HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import {
  chooseSuite,
  COMPATIBILITY_SUITES,
  DEFAULT_SUITES,
  encodeKeyConfig,
  encodeKeyConfigs,
  type OhttpKeyConfig,
  parseKeyConfig,
  parseKeyConfigs,
} from '@sotto/protocol/ohttp'

const runs = process.env['SLOW'] === '1' ? 500 : 25
const keyConfig = expect.objectContaining({ code: 'OHTTP_KEY_CONFIG' })
const kems = [HPKE_KEM.DHKEM_X25519, HPKE_KEM.X_WING, HPKE_KEM.DHKEM_P384]
const publicKeys = new Map(kems.map((id) => [id, kemById(id).generate().publicKey]))

function config(keyId: number, kemId: number, ...algorithms: [number, number][]): OhttpKeyConfig {
  return {
    keyId,
    kemId,
    publicKey: publicKeys.get(kemId as (typeof kems)[number])!,
    algorithms: algorithms.map(([kdfId, aeadId]) => ({ kdfId, aeadId })),
  }
}

describe('key configurations', () => {
  it('are decoded as they were encoded', () => {
    const id = fc.integer({ min: 0, max: 0xffff })
    const algorithms = fc.array(fc.record({ kdfId: id, aeadId: id }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(
        fc.constantFrom(...kems),
        fc.integer({ min: 0, max: 255 }),
        algorithms,
        (kemId, keyId, algorithms) => {
          const one = { ...config(keyId, kemId), algorithms }
          expect(parseKeyConfig(encodeKeyConfig(one))).toEqual(one)
          expect(parseKeyConfigs(encodeKeyConfigs([one]))).toEqual([one])
        },
      ),
      { numRuns: runs },
    )
  })

  it('are skipped when their KEM is unknown, and only then', () => {
    const known = encodeKeyConfigs([config(1, HPKE_KEM.DHKEM_X25519, [1, 1])])
    const unknown = concat(uint(5, 2), uint(9, 1), uint(0x7777, 2), uint(0, 2))
    expect(parseKeyConfigs(concat(unknown, known, unknown))).toHaveLength(1)
    expect(parseKeyConfigs(unknown)).toEqual([])
  })

  it('are refused as a list of none: RFC 9458 Section 3.2 wants one or more', () => {
    expect(() => parseKeyConfigs(new Uint8Array(0))).toThrow(keyConfig)
  })

  it.each<[string, (one: Uint8Array) => Uint8Array]>([
    ['cut', (one) => one.subarray(0, -1)],
    ['longer than announced', (one) => concat(one, new Uint8Array(1))],
    ['without algorithms', (one) => concat(one.subarray(0, -6), new Uint8Array(2))],
    ['with half an algorithm', (one) => concat(one.subarray(0, -6), uint(2, 2), uint(1, 2))],
  ])('are refused %s', (_name, change) => {
    const bytes = change(encodeKeyConfig(config(1, HPKE_KEM.DHKEM_X25519, [1, 1])))
    expect(() => parseKeyConfig(bytes)).toThrow(keyConfig)
    expect(() => parseKeyConfigs(concat(uint(bytes.length, 2), bytes))).toThrow(keyConfig)
  })

  it('are refused with a length beyond the end, a stray byte, a repeated key id, or in absurd numbers', () => {
    const one = config(1, HPKE_KEM.DHKEM_X25519, [1, 1])
    const bytes = encodeKeyConfig(one)
    expect(() => parseKeyConfigs(concat(uint(bytes.length + 1, 2), bytes))).toThrow(keyConfig)
    expect(() => parseKeyConfigs(concat(encodeKeyConfigs([one]), new Uint8Array(1)))).toThrow(keyConfig)
    expect(() => parseKeyConfigs(concat(uint(2, 2), new Uint8Array(2)))).toThrow(keyConfig)
    expect(() => parseKeyConfigs(encodeKeyConfigs([one, { ...one }]))).toThrow(keyConfig)
    const unknown = concat(uint(3, 2), uint(9, 1), uint(0x7777, 2))
    expect(() => parseKeyConfigs(concat(...Array.from({ length: 33 }, () => unknown)))).toThrow(keyConfig)
    expect(() => parseKeyConfig(uint(0x77777777, 6))).toThrow(keyConfig)
  })

  it('are not written with values that have no encoding', () => {
    expect(() => encodeKeyConfig(config(1, HPKE_KEM.DHKEM_X25519))).toThrow(keyConfig)
    const wrongLength = { ...config(1, HPKE_KEM.DHKEM_X25519, [1, 1]), publicKey: new Uint8Array(31) }
    expect(() => encodeKeyConfig(wrongLength)).toThrow(keyConfig)
  })
})

describe('choosing a suite', () => {
  const xWing = config(1, HPKE_KEM.X_WING, [1, 3], [1, 1])
  const x25519 = config(2, HPKE_KEM.DHKEM_X25519, [1, 1])
  const p384 = config(3, HPKE_KEM.DHKEM_P384, [2, 2])

  it('prefers post-quantum, whatever the order of the list', () => {
    for (const configs of [
      [xWing, x25519, p384],
      [p384, x25519, xWing],
    ]) {
      expect(chooseSuite(configs)).toEqual({ config: xWing, algorithm: { kdfId: 1, aeadId: 1 } })
    }
  })

  it('never falls to a compatibility suite unless asked, nor below the floor of the caller', () => {
    const noSuite = expect.objectContaining({ code: 'OHTTP_NO_SUITE' })
    expect(() => chooseSuite([p384])).toThrow(noSuite)
    expect(chooseSuite([p384], [...DEFAULT_SUITES, ...COMPATIBILITY_SUITES]).config).toBe(p384)
    const floor = DEFAULT_SUITES.filter((suite) => suite.kemId === HPKE_KEM.X_WING)
    expect(() => chooseSuite([x25519, p384], floor)).toThrow(noSuite)
    expect(() => chooseSuite([])).toThrow(noSuite)
  })
})

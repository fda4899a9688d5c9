import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, utf8 } from '@sotto/protocol/bytes'
import { createFakeLog } from '@sotto/testkit'
import {
  encodeEntryProof,
  parseEntryProof,
  verifyEntryProof,
  type EntryProof,
} from '../../src/monitor/index.ts'

const RUNS = process.env['SLOW'] ? 2000 : 200

async function proofOf(
  index: number,
  size: number,
): Promise<{ proof: EntryProof; requirements: Parameters<typeof verifyEntryProof>[1] }> {
  const log = createFakeLog()
  const entries = Array.from({ length: size }, (_, i) => utf8(`entry ${i}`))
  for (const entry of entries) log.append(entry)
  const { proof } = await log.prove(entries[index]!)
  const note = await log.checkpoint({ time: 1_790_000_000 })
  return {
    proof: { entry: entries[index]!, index, path: proof.map(fromHex), note },
    requirements: { origin: log.origin, logKey: log.key, witnessKeys: log.witnessKeys, quorum: 2 },
  }
}

describe('proofs of entries in files', () => {
  test('are C2SP tlog-proofs that verify offline', async () => {
    const { proof, requirements } = await proofOf(3, 9)
    const text = encodeEntryProof(proof)
    expect(text).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nextra [A-Za-z0-9+/=]+\nindex 3\n(?:[A-Za-z0-9+/]{43}=\n){4}\nlog\.example/,
    )
    expect(parseEntryProof(text)).toEqual(proof)
    expect(verifyEntryProof(parseEntryProof(text), requirements).size).toBe(9)
    const { entry, ...without } = proof
    expect(parseEntryProof(encodeEntryProof(without))).toEqual(without)
    expect(
      verifyEntryProof({ ...parseEntryProof(encodeEntryProof(without)), entry: entry! }, requirements).size,
    ).toBe(9)
    expect(() => verifyEntryProof(without, requirements)).toThrow(
      expect.objectContaining({ code: 'PROOF_INVALID' }),
    )
  })

  test('the published example has this structure', () => {
    const example =
      'c2sp.org/tlog-proof@v1\nextra YWdl\nindex 73894\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n' +
      'B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\nexample.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n— example.com/fancylog hI2DJw==\n'
    expect(parseEntryProof(example)).toMatchObject({ index: 73_894, entry: utf8('age') })
  })

  test.each([
    ['nothing', ''],
    ['another version', 'c2sp.org/tlog-proof@v2\nindex 0\n\nnote'],
    ['no index', 'c2sp.org/tlog-proof@v1\n\nnote'],
    ['a leading zero', 'c2sp.org/tlog-proof@v1\nindex 00\n\nnote'],
    ['a negative index', 'c2sp.org/tlog-proof@v1\nindex -1\n\nnote'],
    ['an index beyond safe integers', 'c2sp.org/tlog-proof@v1\nindex 9999999999999999\n\nnote'],
    ['no base64', 'c2sp.org/tlog-proof@v1\nindex 0\n!!\n\nnote'],
    ['a short hash', 'c2sp.org/tlog-proof@v1\nindex 0\nYWdl\n\nnote'],
    ['extra data after the index', 'c2sp.org/tlog-proof@v1\nindex 0\nextra YWdl\n\nnote'],
    ['too many hashes', `c2sp.org/tlog-proof@v1\nindex 0\n${`${'A'.repeat(43)}=\n`.repeat(65)}\nnote`],
    ['too many characters', `c2sp.org/tlog-proof@v1\nindex 0\n\n${'n'.repeat(262_144)}`],
  ])('%s is malformed', (_, text) => {
    expect(() => parseEntryProof(text)).toThrow(expect.objectContaining({ code: 'PROOF_MALFORMED' }))
  })

  test('with any character changed are refused', async () => {
    const { proof, requirements } = await proofOf(3, 9)
    const text = encodeEntryProof(proof)
    // A cosignature more than the quorum needs would be one that may be missing.
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 90 }), (at, shift) => {
        const code = ((text.charCodeAt(at) - 32 + shift) % 95) + 32
        fc.pre(text.charCodeAt(at) > 31 && text.charCodeAt(at) < 127 && code !== text.charCodeAt(at))
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
        expect(() => verifyEntryProof(parseEntryProof(changed), requirements)).toThrow(
          expect.objectContaining({ name: 'SottoError' }),
        )
      }),
      { numRuns: RUNS },
    )
  })
})

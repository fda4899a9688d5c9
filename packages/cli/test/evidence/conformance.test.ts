import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toBase64, toHex } from '@sotto/protocol/bytes'
import { fakeAmd } from '@sotto/testkit/snp'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'
import { arePresent, vectors } from '../support/attestation-vectors.ts'

const ask = (request: object | string | Uint8Array, ...flags: string[]): Promise<RunResult> => {
  const bytes =
    request instanceof Uint8Array
      ? request
      : Buffer.from(typeof request === 'string' ? request : JSON.stringify(request))
  return runInMemory(commands, ['verify', '--conformance', ...flags], { stdin: [bytes] })
}
const report = fakeAmd().chip().report()
const BASE = { family: 'sev-snp', evidence: toBase64(report), at: '2026-01-01T00:00:00Z' }
const without = (name: keyof typeof BASE): object => {
  const { [name]: _, ...rest } = BASE
  return rest
}

describe('a request that is one', () => {
  it('is answered with five members, and nothing is said beside them', async () => {
    const { code, stdout, stderr } = await ask(BASE)
    expect([code, stderr]).toEqual([6, ''])
    const answer = JSON.parse(stdout) as Record<string, unknown>
    expect(Object.keys(answer).sort()).toEqual(['acceptable', 'authentic', 'fields', 'reason', 'steps'])
    expect(answer).toMatchObject({ acceptable: false, reason: 'collateral-missing' })
  })

  it.each([
    '2026-01-01T00:00:00.5Z',
    '2026-01-01T01:30:00.123456789+01:30',
    '2025-12-31t23:59:00-00:01',
    '2024-02-29T00:00:00z',
  ])('may be of %s', async (at) => {
    expect((await ask({ ...BASE, at })).code).toBe(6)
  })

  it.each<[string, object]>([
    ['collateral of nothing', { collateral: {} }],
    ['pieces with numbers for names', { collateral: { 10: 'AA==', 9: 'AA==' } }],
    ['pieces with odd names', { collateral: { __proto__x: '', '../a\u202E\n': 'AA==' } }],
    ['a policy of nothing', { policy: {} }],
    ['names in camel case', { policy: { allowDebug: false } }],
    ['names in snake case', { policy: { allow_debug: false } }],
  ])('may have %s', async (_what, members) => {
    expect((await ask({ ...BASE, ...members })).stderr).toBe('')
  })

  it('is answered with a verdict whatever the evidence is', async () => {
    for (const evidence of [new Uint8Array(0), new Uint8Array(5 * 1024 * 1024), Uint8Array.of(0x30)])
      for (const family of ['sev-snp', 'tdx', 'sgx', 'nitro', 'nvidia', 'azure-cvm', 'azure-maa']) {
        const { code, stdout } = await ask({ ...BASE, family, evidence: toBase64(evidence) })
        expect([code, JSON.parse(stdout)]).toMatchObject([3, { authentic: false, reason: 'malformed' }])
      }
  })

  it('compares what is expected, in either case of hexadecimal, in the request or its policy', async () => {
    const bound = async (members: object): Promise<string | undefined> => {
      const { steps } = JSON.parse((await ask({ ...BASE, ...members })).stdout) as {
        steps: { name: string; status: string }[]
      }
      return steps.find(({ name }) => name === 'sev-snp.report-data')?.status
    }
    const own = toHex(report.subarray(0x50, 0x90))
    const other = 'Ff'.repeat(64)
    expect(await bound({})).toBe('skipped')
    expect(await bound({ expected_report_data: '' })).toBe('fail')
    expect(await bound({ expected_report_data: own.toUpperCase() })).toBe('pass')
    expect(await bound({ policy: { expected_report_data: own } })).toBe('pass')
    expect(await bound({ expected_report_data: other })).toBe('fail')
    expect(await bound({ policy: { expectedNonce: other } })).toBe('fail')
  })
})

describe('a request that is none', () => {
  it.each<[string, object | string | Uint8Array, RegExp]>([
    ['nothing', '', /empty/],
    ['white space', ' \n', /member request/],
    ['two documents', JSON.stringify(BASE) + JSON.stringify(BASE), /member request/],
    ['a byte order mark', `\uFEFF${JSON.stringify(BASE)}`, /member request/],
    ['another encoding', Buffer.from(JSON.stringify(BASE), 'utf16le'), /member request/],
    ['bytes that are no text', Uint8Array.of(0x22, 0xff, 0x22), /member request/],
    ['half a document', JSON.stringify(BASE).slice(0, -1), /member request/],
    ['a name twice', `{"at":"x",${JSON.stringify(BASE).slice(1)}`, /member request/],
    ['no object', [BASE], /member request/],
    ['null', 'null', /member request/],
    ['depth without end', '['.repeat(1e5), /member request/],
    ['more than 16 MiB', ' '.repeat(2 ** 24 + 1), /too large/],
    ['a member that nobody knows', { ...BASE, nonce: '' }, /member nonce/],
    ['a name with control characters', { ...BASE, '\u001b[2J\u202E': 1 }, /member \uFFFD\[2J\uFFFD is/],
    ['no family', without('family'), /member family/],
    ['a family in capitals', { ...BASE, family: 'SEV-SNP' }, /member family/],
    ['a family in snake case', { ...BASE, family: 'sev_snp' }, /member family/],
    ['a family of every object', { ...BASE, family: '__proto__' }, /member family/],
    ['no evidence', without('evidence'), /member evidence/],
    ['evidence that is no text', { ...BASE, evidence: [1] }, /member evidence/],
    ['base64 with white space', { ...BASE, evidence: 'AA==\n' }, /member evidence/],
    ['base64url', { ...BASE, evidence: '_-8=' }, /member evidence/],
    ['base64 without padding', { ...BASE, evidence: 'AA' }, /member evidence/],
    ['base64 in a second spelling', { ...BASE, evidence: 'AB==' }, /member evidence/],
    ['no collateral', { ...BASE, collateral: null }, /member collateral/],
    ['a list of collateral', { ...BASE, collateral: ['AA=='] }, /member collateral/],
    ['a piece that is no text', { ...BASE, collateral: { a: null } }, /member collateral\.a/],
    ['a piece in base64url', { ...BASE, collateral: { 'a\n': '__8=' } }, /member collateral\.a /],
    ['no policy', { ...BASE, policy: null }, /member policy/],
    ['a list of policies', { ...BASE, policy: [] }, /member policy/],
    ['a policy of another family', { ...BASE, policy: { mrTd: [] } }, /mrTd/],
    ['one rule twice', { ...BASE, policy: { allow_debug: false, allowDebug: true } }, /member policy/],
    [
      'two expectations',
      { ...BASE, expected_report_data: '00', policy: { expected_nonce: '00' } },
      /report_data/,
    ],
    [
      'an expectation in the policy of a part',
      { ...BASE, policy: { snp: { expected_nonce: '' } } },
      /policy/,
    ],
    ['half a digit', { ...BASE, expected_report_data: '0' }, /expected_report_data/],
    ['an expectation that is null', { ...BASE, expected_report_data: null }, /expected_report_data/],
    ['no time', without('at'), /member at/],
    ['a number of seconds', { ...BASE, at: 1_767_225_600 }, /member at/],
    ['a day', { ...BASE, at: '2026-01-01' }, /member at/],
    ['a time without a zone', { ...BASE, at: '2026-01-01T00:00:00' }, /member at/],
    ['a day that never was', { ...BASE, at: '2025-02-29T00:00:00Z' }, /member at/],
    ['an hour that never was', { ...BASE, at: '2026-01-01T24:00:00Z' }, /member at/],
    ['a zone that never was', { ...BASE, at: '2026-01-01T00:00:00+99:00' }, /member at/],
  ])('is one error in JSON on standard error: %s', async (_what, request, reason) => {
    const { code, stdout, stderr } = await ask(request)
    expect([code, stdout]).toEqual([2, ''])
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string; action: string } }
    expect([error.action, error.message]).toEqual(['fix-input', expect.stringMatching(reason)])
  })

  it('has no other flags', async () => {
    for (const flags of [
      ['--family', 'tdx'],
      ['--explain'],
      ['--trust-key-sets'],
      ['--at', '2026-01-01T00:00:00Z'],
    ])
      expect((await ask(BASE, ...flags)).code).toBe(2)
  })
})

describe.skipIf(!arePresent)('real evidence', () => {
  it('comes with pieces under the names of their files', async () => {
    const folder = join(vectors, 'sev-snp/virtee__sev/milan-v2')
    const read = (name: string): string => readFileSync(join(folder, name)).toString('base64')
    const names = readdirSync(folder).filter((name) => !['expected.json', 'report.bin'].includes(name))
    const { code, stdout } = await ask({
      family: 'sev-snp',
      evidence: read('report.bin'),
      collateral: Object.fromEntries(names.map((name) => [name, read(name)])),
      at: '2025-01-01T02:00:00.000+02:00',
    })
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { authentic: true, acceptable: true, reason: null }])
  })
})

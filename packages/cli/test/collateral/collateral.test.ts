import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { packCollateral } from '@sotto/client/collateral'
import { fakeAmd } from '@sotto/testkit/snp'
import { fakeIntel, type VendorServer, startVendorServer } from '@sotto/testkit/vendor-services'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { parseMirrors, parseTcbUpdate } from '../../src/collateral/flags.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult, type WorldOptions } from '../support/memory-io.ts'

// The roots of these vendors are not the pinned ones: what they sign is refused as forged, which shows that
// the command authenticates. That genuine answers come through is shown with recorded ones in the client's tests.
let server: VendorServer
let cwd: string
beforeEach(async () => {
  server = await startVendorServer([
    [
      'nvidiaNras/.well-known/jwks.json',
      { headers: { 'content-type': 'application/json' }, body: utf8('{"keys":[{"kid":"a"}]}') },
    ],
  ])
  cwd = mkdtempSync(join(tmpdir(), 'sotto-collateral-'))
  writeFileSync(join(cwd, 'token.json'), '["eyJhbGciOiJFUzM4NCJ9.e30.AA"]')
})
afterEach(() => {
  server.close()
  rmSync(cwd, { recursive: true })
})

function sotto(argv: string[], options: WorldOptions = {}): Promise<RunResult> {
  const nowMs = (): number => FAKE_NOW * 1000
  return runInMemory(commands, argv, { cwd, fetch: globalThis.fetch, nowMs, ...options })
}

const fetchToken = (...flags: string[]): Promise<RunResult> =>
  sotto(['collateral', 'fetch', 'token.json', '--mirror', `nvidia-nras=${server.url}/nvidiaNras`, ...flags])
/** The same from NVIDIA's own address, which leads to the server here. */
const fetchFromVendor = (...flags: string[]): Promise<RunResult> =>
  sotto(['collateral', 'fetch', 'token.json', ...flags], {
    fetch: (input, init) =>
      globalThis.fetch(`${input as URL}`.replace(/^https:..nras[^/]*/, `${server.url}/nvidiaNras`), init),
  })
const errorOf = ({ stderr }: RunResult): Record<string, string> =>
  (JSON.parse(stderr.trim().split('\n').at(-1)!) as { error: Record<string, string> }).error

describe('sotto collateral fetch', () => {
  it('writes what evidence needs into a folder', async () => {
    expect(await fetchToken('-o', 'out')).toEqual({
      code: 0,
      stdout: 'nvidia: 1 piece, 22 B, in out\n',
      stderr: expect.stringMatching(
        /^(the keys of NVIDIA's attestation service: )nobody signs them, and (127\.0\.0\.1:\d+) is a mirror: it may have made them\n\1\2, until 2026-01-01 13:00\n$/,
      ),
    })
    expect(readdirSync(join(cwd, 'out')).sort()).toEqual(['nvidia-nras-jwks.json', 'sotto-collateral.json'])
  })

  it('prints what it did as JSON, and nothing else', async () => {
    const { stdout, stderr } = await fetchToken('--json', '-q')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      folder: join(cwd, 'collateral'),
      family: 'nvidia',
      fetchedAt: FAKE_NOW,
      pieces: [
        { name: 'nvidia-nras-jwks.json', size: 22, what: '1 keys of an attestation service', expired: false },
      ],
      sources: [{ from: `${server.url}/nvidiaNras/.well-known/jwks.json`, freshUntil: FAKE_NOW + 3600 }],
      unmet: [],
    })
  })

  it('asks once: the cache has the rest of the hour', async () => {
    await fetchFromVendor()
    expect((await fetchFromVendor()).stderr).toContain('from the cache')
    expect(server.asked).toHaveLength(1)
    await fetchFromVendor('--refresh')
    expect(server.asked).toHaveLength(2)
    // What a mirror says is neither taken from there nor put there.
    for (const count of [3, 4]) {
      expect((await fetchToken()).stderr).toContain('is a mirror')
      expect(server.asked).toHaveLength(count)
    }
  })

  it('keeps answers where --cache says', async () => {
    await fetchFromVendor('--cache', 'cache')
    expect(readdirSync(join(cwd, 'cache'))).toHaveLength(1)
  })

  it('takes bytes, hexadecimal, base64 and standard input', async () => {
    const report = fakeAmd().chip().report()
    writeFileSync(join(cwd, 'report.hex'), Buffer.from(report).toString('hex'))
    writeFileSync(join(cwd, 'report.b64'), Buffer.from(report).toString('base64'))
    const mirror = ['--mirror', `amd-kds=${server.url}/amdKds`]
    for (const name of ['report.hex', 'report.b64', '-'])
      expect((await sotto(['collateral', 'fetch', name, ...mirror], { stdin: [report] })).code).toBe(6)
    expect(server.asked).toHaveLength(3)
    expect(new Set(server.asked).size).toBe(1)
  })

  it('writes a folder of nothing for evidence that carries all it needs', async () => {
    const claims = Buffer.from('{"iss":"https://confidentialcomputing.googleapis.com"}').toString('base64url')
    writeFileSync(join(cwd, 'token.jwt'), `eyJhbGciOiJSUzI1NiJ9.${claims}.AA`)
    const { code, stdout, stderr } = await sotto(['collateral', 'fetch', 'token.jwt'])
    expect([code, stdout]).toEqual([0, 'gcp-confidential-space: 0 pieces, 0 B, in collateral\n'])
    expect(stderr).toContain('carries all it needs')
  })

  it.each<[string, string[], string, number]>([
    ['a file that is no evidence', ['other.txt'], 'CLI_FILE', 2],
    ['two pieces of evidence', ['token.json', 'again.json'], 'CLI_FILE', 2],
    ['a file that is not there', ['none.bin'], 'CLI_FILE', 2],
    ['standard input twice', ['-', '-'], 'CLI_STDIN', 2],
    ['a mirror of nobody', ['token.json', '--mirror', 'nobody=https://x.example'], 'CLI_USAGE', 2],
    [
      'a mirror without TLS',
      ['token.json', '--mirror', 'nvidia-nras=http://x.example'],
      'COLLATERAL_ADDRESS',
      2,
    ],
    ['an evaluation that is none', ['token.json', '--tcb', 'late'], 'CLI_USAGE', 2],
  ])('refuses %s', async (_what, argv, code, exit) => {
    writeFileSync(join(cwd, 'other.txt'), 'hello')
    writeFileSync(join(cwd, 'again.json'), '["eyJhbGciOiJFUzM4NCJ9.e30.AB"]')
    const result = await sotto(['collateral', 'fetch', ...argv, '--json'])
    expect([result.code, errorOf(result)['code']]).toEqual([exit, code])
  })

  it('says what could not be had, with a hint, and fails by it', async () => {
    server.fail('jwks', { kind: 'status', status: 429, retryAfter: '300' })
    const { code, stderr, stdout } = await fetchToken()
    expect([code, stdout]).toEqual([6, ''])
    expect(stderr).toMatch(/error: 127\.0\.0\.1:\d+ does not give the keys .* yet \[COLLATERAL_UNREACHABLE\]/)
    expect(stderr).toContain('hint: try again in 300 s')
    expect(readdirSync(cwd)).not.toContain('collateral')
  })

  it('leaves an earlier bundle alone when something cannot be had', async () => {
    await fetchToken()
    const before = readFileSync(join(cwd, 'collateral', 'sotto-collateral.json'))
    server.fail('jwks', { kind: 'status', status: 404 })
    const result = await fetchToken('--refresh')
    expect([result.code, result.stdout]).toEqual([6, ''])
    expect(result.stderr).toContain('the folder stays as it was')
    expect(readFileSync(join(cwd, 'collateral', 'sotto-collateral.json'))).toEqual(before)
  })

  it('refuses answers that a vendor did not sign, before it tells of others that are missing', async () => {
    const intel = fakeIntel()
    const platform = { fmspc: 'b0c06f000000', ca: 'platform' } as const
    writeFileSync(join(cwd, 'quote.bin'), intel.quote('tdx', platform))
    server.answers.set('intelPcs/tdx/certification/v4/qe/identity', intel.qeIdentity('tdx'))
    const argv = ['intel-pcs=intelPcs', 'intel-certificates=intelCertificates'].flatMap((pair) => [
      '--mirror',
      pair.replace('=', `=${server.url}/`),
    ])
    const result = await sotto(['collateral', 'fetch', 'quote.bin', '--json', ...argv])
    expect([result.code, errorOf(result)['code']]).toEqual([3, 'COLLATERAL_INVALID'])
    const { unmet, folder } = JSON.parse(result.stdout) as { unmet: { code: string }[]; folder: null }
    expect(folder).toBeNull()
    expect(unmet.map(({ code }) => code)).toEqual([
      'COLLATERAL_MISSING',
      'COLLATERAL_INVALID',
      'COLLATERAL_MISSING',
      'COLLATERAL_MISSING',
    ])
  })

  it('does not write over files of somebody', async () => {
    writeFileSync(join(cwd, 'thesis.txt'), 'mine')
    const result = await fetchToken('-o', '.', '--json')
    expect([result.code, errorOf(result)['code']]).toEqual([2, 'COLLATERAL_BUNDLE'])
    expect(readFileSync(join(cwd, 'thesis.txt'), 'utf8')).toBe('mine')
    const file = await fetchToken('-o', 'thesis.txt', '--json')
    expect([file.code, errorOf(file)['code']]).toEqual([2, 'COLLATERAL_BUNDLE'])
    // Vendors answer only so often: none is asked in vain.
    expect(server.asked).toEqual([])
  })

  it('stops when it is interrupted', async () => {
    server.fail('jwks', { kind: 'slow', after: 1 })
    const stop = new AbortController()
    const running = sotto(
      ['collateral', 'fetch', 'token.json', '--mirror', `nvidia-nras=${server.url}/nvidiaNras`],
      {
        signal: stop.signal,
      },
    )
    await expect.poll(() => server.asked).toHaveLength(1)
    stop.abort(new DOMException('interrupted', 'AbortError'))
    expect((await running).code).toBe(130)
  })
})

describe('sotto collateral pack and show', () => {
  beforeEach(() => fetchToken('-o', 'out'))

  it('puts a folder into one file that always has the same bytes', async () => {
    const packed = packCollateral({
      fetchedAt: FAKE_NOW,
      pieces: { 'nvidia-nras-jwks.json': utf8('{"keys":[{"kid":"a"}]}') },
    })
    const { code, stdout } = await sotto(['collateral', 'pack', 'out', '-o', 'packed.json'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^packed\.json: 1 piece, 2\d\d B, sha256 [0-9a-f]{64}\n$/)
    expect(new Uint8Array(readFileSync(join(cwd, 'packed.json')))).toEqual(new Uint8Array(packed))
    expect((await sotto(['collateral', 'pack', 'out', '-o', '-'])).stdout).toBe(
      new TextDecoder().decode(packed),
    )
    const json = JSON.parse(
      (await sotto(['collateral', 'pack', 'out', '-o', 'p2.json', '--json'])).stdout,
    ) as object
    expect(json).toMatchObject({
      file: join(cwd, 'p2.json'),
      pieces: 1,
      bytes: packed.length,
      fetchedAt: FAKE_NOW,
    })
  })

  it('lists a folder and its packed file alike', async () => {
    await sotto(['collateral', 'pack', 'out', '-o', 'packed.json'])
    const expected = {
      code: 0,
      stdout: 'nvidia-nras-jwks.json  22 B\n    1 keys of an attestation service\nfetched 2026-01-01 12:00\n',
      stderr: '',
    }
    expect(await sotto(['collateral', 'show', 'out'])).toEqual(expected)
    expect(await sotto(['collateral', 'show', 'packed.json'])).toEqual(expected)
  })

  it('marks what is out of date, and prints no control characters of others', async () => {
    const piece = utf8(
      `{"tcbInfo":{"id":"TDX\\u001b[2J","nextUpdate":"2025-01-01T00:00:00Z","tcbEvaluationDataNumber":1}}`,
    )
    writeFileSync(join(cwd, 'old.json'), packCollateral({ fetchedAt: null, pieces: { a: piece } }))
    const { stdout } = await sotto(['collateral', 'show', 'old.json'])
    expect(stdout).toContain('until 2025-01-01 00:00 (out of date)')
    expect(stdout).not.toContain('\u001b')
    const { pieces } = JSON.parse((await sotto(['collateral', 'show', 'old.json', '--json'])).stdout) as {
      pieces: object[]
    }
    expect(pieces).toEqual([expect.objectContaining({ name: 'a', expired: true, validUntil: 1_735_689_600 })])
  })

  it.each<[string[], string]>([
    [['show', 'none'], 'COLLATERAL_BUNDLE'],
    [['show', 'token.json'], 'COLLATERAL_BUNDLE'],
    [['pack', 'none', '-o', 'x'], 'COLLATERAL_BUNDLE'],
    [['pack', 'out'], 'CLI_USAGE'],
    [['pack', 'out', '-o', 'no/such/folder'], 'CLI_FILE'],
  ])('refuses %j', async (argv, code) => {
    const result = await sotto(['collateral', ...argv, '--json'])
    expect([result.code, errorOf(result)['code']]).toEqual([2, code])
  })

  it('refuses a folder that changed', async () => {
    writeFileSync(join(cwd, 'out', 'nvidia-nras-jwks.json'), '{"keys":[{"kid":"b"}]}')
    expect(errorOf(await sotto(['collateral', 'pack', 'out', '-o', 'x', '--json']))['code']).toBe(
      'COLLATERAL_BUNDLE',
    )
  })
})

describe('flags', () => {
  it('name services once each', () => {
    expect(parseMirrors(['amd-kds=https://a.example', 'nvidia-rim=https://b.example/x=y'])).toEqual({
      amdKds: 'https://a.example',
      nvidiaRim: 'https://b.example/x=y',
    })
    for (const values of [
      ['amd-kds'],
      ['amd-kds='],
      ['=x'],
      ['amdKds=x'],
      ['__proto__=x'],
      ['amd-kds=x', 'amd-kds=y'],
    ])
      expect(() => parseMirrors(values)).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
  })

  it.each<[string | undefined, string | number]>([
    [undefined, 'standard'],
    ['early', 'early'],
    ['17', 17],
  ])('--tcb %s', (value, expected) => expect(parseTcbUpdate(value)).toBe(expected))
})

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { toBase64, toHex } from '@sotto/protocol/bytes'
import { packCollateral } from '@sotto/client/collateral'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { createDesk, type Desk, traffic } from '../support/desk.ts'
import { arePresent, vectors } from '../support/attestation-vectors.ts'

const MILAN = join(vectors, 'sev-snp/virtee__sev/milan-v2')
const AT = ['--at', '2025-01-01T00:00:00Z']
const read = (folder: string, name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)))
/** An SNP report by its length, and nothing else about it right. */
const FORGED = new Uint8Array(1184).fill(7)

let desk: Desk
afterEach(() => desk.clear())

describe('sotto verify FILE', () => {
  it('judges a saved trust bundle like the service it is from', async () => {
    desk = await createDesk()
    desk.write('bundle.json', new TextDecoder().decode(encodeTrustBundle(desk.service.world.bundle)))
    const { code, stdout } = await desk.sotto(['verify', 'bundle.json', '--policy', 'policy.json'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\naccepted: 17 passed/)
    expect(traffic(desk.service)).toEqual([])
  })

  it('refuses forged evidence with 3, and says in plain words what it is', async () => {
    desk = await createDesk()
    desk.write('report.bin', FORGED)
    const { code, stdout } = await desk.sotto(['verify', 'report.bin', '--explain'])
    expect(code).toBe(3)
    expect(stdout).toContain('This is an AMD SEV-SNP report')
    expect(stdout).toContain('Send nothing.')
    expect(stdout).toMatch(/\nsev-snp: not authentic: malformed/)
  })

  it.each([
    [['verify', 'missing.bin'], /cannot read missing\.bin/],
    [['verify', '-', '--policy', '-'], /by one argument only/],
    [['verify', 'report.bin', '--collateral', '-', '--collateral', '-'], /by one argument only/],
    [['verify', 'report.bin', '--at', '2025-02-30T00:00:00Z'], /--at is not a time/],
    [['verify', 'text.txt'], /neither evidence nor a trust bundle/],
    [['verify', 'report.bin', '--family', 'sev'], /--family/],
    [['verify', 'report.bin', '--at', 'yesterday'], /--at is not a time/],
    [['verify', 'report.bin', '--report-data', 'xyz'], /not hexadecimal/],
    [['verify', 'report.bin', '--collateral', 'nowhere'], /cannot read nowhere/],
    [['verify', 'report.bin', '--policy', 'nowhere.json'], /cannot read nowhere\.json/],
    [['verify', 'https://relay.example', '--at', '2025-01-01T00:00:00Z'], /--at is about evidence in a file/],
  ])('%j is a usage error with its reason', async (args, reason) => {
    desk = await createDesk()
    desk.write('report.bin', FORGED)
    desk.write('text.txt', 'hello')
    const { code, stderr, stdout } = await desk.sotto(args)
    expect(code).toBe(2)
    expect(stderr).toMatch(reason)
    expect(stdout).toBe('')
  })

  describe.skipIf(!arePresent)('evidence of real hardware', () => {
    const collateral = (): string[] => ['--collateral', 'certificates']
    const lay = (report = read(MILAN, 'report.bin')): void => {
      desk.write('report.bin', report)
      mkdirSync(join(desk.cwd, 'certificates'), { recursive: true })
      desk.write('certificates/b', read(MILAN, 'ask_ark.pem'))
      desk.write('certificates/a', read(MILAN, 'leaf.der'))
    }

    it('is accepted with what belongs to it, as a file or as text', async () => {
      desk = await createDesk()
      lay()
      const { code, stdout } = await desk.sotto(['verify', 'report.bin', ...collateral(), ...AT])
      expect(stdout).toMatch(/\nsev-snp: acceptable \(\d+ passed, 0 failed, \d+ skipped\)\n/)
      expect(stdout).toContain('you trust: AMD (signs the report)')
      expect(code).toBe(0)
      desk.write('report.hex', toHex(read(MILAN, 'report.bin')).toUpperCase())
      desk.write('report.b64', toBase64(read(MILAN, 'report.bin')))
      for (const name of ['report.hex', 'report.b64'])
        expect((await desk.sotto(['verify', name, ...collateral(), ...AT])).code).toBe(0)
    })

    it('cannot be decided without it: 6', async () => {
      desk = await createDesk()
      lay()
      const { code, stdout } = await desk.sotto(['verify', 'report.bin', ...AT, '--json'])
      expect(code).toBe(6)
      expect(JSON.parse(stdout)).toMatchObject({ acceptable: false, reason: 'collateral-missing' })
    })

    it('is refused with 3 when one bit is another, or it is bound to something else', async () => {
      desk = await createDesk()
      const changed = read(MILAN, 'report.bin')
      changed[0x90]! ^= 1
      lay(changed)
      expect((await desk.sotto(['verify', 'report.bin', ...collateral(), ...AT])).code).toBe(3)
      lay()
      const other = ['--report-data', 'ff'.repeat(64)]
      const { code, stdout } = await desk.sotto(['verify', 'report.bin', ...collateral(), ...AT, ...other])
      expect(code).toBe(3)
      expect(stdout).toContain('sev-snp: not authentic: binding')
    })

    it('is refused with 5 by a policy that names another program', async () => {
      desk = await createDesk()
      lay()
      const policy = (measurement: string): string =>
        JSON.stringify({
          version: 1,
          name: 'one program',
          anyOf: [{ name: 'milan', allOf: [{ family: 'sev-snp', measurements: [measurement] }] }],
          freshness: 'age',
          evidenceMaxAgeSeconds: 86_400,
        })
      desk.write('other.json', policy('00'.repeat(48)))
      const refused = await desk.sotto([
        'verify',
        'report.bin',
        ...collateral(),
        ...AT,
        '--policy',
        'other.json',
      ])
      expect(refused.stdout).toContain('refused by milan')
      expect(refused.code).toBe(5)
      // One verdict, that of the policy, with each failure once.
      expect(refused.stdout).toContain('sev-snp: authentic, not acceptable: measurement')
      expect(refused.stdout.match(/sev-snp\.measurement/g)).toHaveLength(1)
      desk.write('own.json', policy(toHex(read(MILAN, 'report.bin').subarray(0x90, 0xc0))))
      const bound = ['--report-data', toHex(read(MILAN, 'report.bin').subarray(0x50, 0x90))]
      const own = ['verify', 'report.bin', ...collateral(), ...AT, ...bound, '--policy', 'own.json']
      const admitted = await desk.sotto([...own, '--bound-at', '2024-12-31T23:59:00Z', '--json'])
      expect(admitted.code).toBe(0)
      const { acceptable, steps, appraisal } = JSON.parse(admitted.stdout) as {
        acceptable: boolean
        steps: { name: string; status: string }[]
        appraisal: { admitted: boolean; tuples: { pieces: object[] }[] }
      }
      expect([acceptable, appraisal.admitted]).toEqual([true, true])
      expect(steps.find(({ name }) => name === 'sev-snp.measurement')).toMatchObject({ status: 'pass' })
      expect(appraisal.tuples[0]!.pieces[0]).toMatchObject({ steps })
      // Good evidence, too old: the policy's own step says so.
      const old = await desk.sotto([...own, '--bound-at', '2024-01-01T00:00:00Z'])
      expect(old.stdout).toMatch(/sev-snp: acceptable[^]*refused by milan\n {2}✗ policy\.freshness/)
      expect([old.code, old.stdout.includes('valid until')]).toEqual([5, false])
    })

    it('is described by the strict rules where a policy is about something else', async () => {
      desk = await createDesk()
      lay()
      desk.write(
        'tdx.json',
        '{"version":1,"name":"n","anyOf":[{"name":"t","allOf":[{"family":"tdx"}]}],"freshness":"age","evidenceMaxAgeSeconds":1}',
      )
      const argv = ['verify', 'report.bin', ...collateral(), ...AT, '--policy', 'tdx.json']
      const { code, stdout } = await desk.sotto(argv)
      expect(stdout).toMatch(/sev-snp: acceptable[^]*refused by t\n {2}✗ policy\.families/)
      expect(code).toBe(5)
    })

    it('is told when the packed collateral was rewritten, or the policy is none of this kind', async () => {
      desk = await createDesk()
      lay()
      const pieces = { a: read(MILAN, 'leaf.der'), b: read(MILAN, 'ask_ark.pem') }
      const packed = new TextDecoder().decode(packCollateral({ fetchedAt: null, pieces }))
      desk.write('packed.json', packed)
      desk.write('pretty.json', JSON.stringify(JSON.parse(packed), null, 2))
      const verify = (...argv: string[]): ReturnType<Desk['sotto']> =>
        desk.sotto(['verify', 'report.bin', ...AT, ...argv])
      expect((await verify('--collateral', 'packed.json')).code).toBe(0)
      const pretty = await verify('--collateral', 'pretty.json')
      expect([pretty.code, pretty.stderr]).toEqual([2, expect.stringContaining('[COLLATERAL_BUNDLE]')])
      const trust = await verify('--policy', 'policy.json')
      expect([trust.code, trust.stderr]).toEqual([2, expect.stringContaining('found:    a trust policy')])
    })
  })
})

describe('sotto verify --conformance', () => {
  const ask = (request: object | string): ReturnType<Desk['sotto']> =>
    desk.sotto(['verify', '--conformance'], {
      stdin: typeof request === 'string' ? request : JSON.stringify(request),
    })
  const BASE = { family: 'sev-snp', at: '2025-01-01T00:00:00Z' }

  it('answers with a verdict, whatever the evidence is', async () => {
    desk = await createDesk()
    const { code, stdout } = await ask({ ...BASE, evidence: toBase64(FORGED) })
    expect(code).toBe(3)
    const verdict = JSON.parse(stdout) as { steps: object[]; fields: object }
    expect(verdict).toMatchObject({ authentic: false, acceptable: false, reason: 'malformed' })
    expect(verdict.steps.length).toBeGreaterThan(5)
  })

  it.skipIf(!arePresent)('takes collateral, policy in snake case and expected data', async () => {
    desk = await createDesk()
    const folder = join(vectors, 'sgx/Phala-Network__dcap-qvl/sgx-v3-confswhardening')
    const request = {
      family: 'sgx',
      evidence: toBase64(read(folder, 'quote.bin')),
      collateral: { x: toBase64(read(folder, 'collateral.json')) },
      at: '2025-06-19T11:56:11Z',
    }
    const strict = await ask(request)
    expect(strict.code).toBe(5)
    expect(JSON.parse(strict.stdout)).toMatchObject({ authentic: true, acceptable: false, reason: 'tcb' })
    const policy = { accept_tcb_status: ['ConfigurationAndSWHardeningNeeded'] }
    const relaxed = await ask({ ...request, policy })
    expect(relaxed.code).toBe(0)
    const bound = await ask({ ...request, policy, expected_report_data: '00'.repeat(64) })
    expect(JSON.parse(bound.stdout)).toMatchObject({ authentic: false, reason: 'binding' })
  })
})

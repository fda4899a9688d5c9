import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { completionNodes } from '../../src/completion/index.ts'
import { commands } from '../../src/commands/index.ts'
import { createWorld } from '@sotto/testkit'
import { createPolicyDesk, type PolicyDesk } from './desk.ts'

let desk: PolicyDesk
beforeEach(() => void (desk = createPolicyDesk()))
afterEach(() => desk.clear())

const A = 'a'.repeat(96)
const snp = (changes: object = {}): object => ({
  version: 1,
  name: 'fleet',
  anyOf: [{ name: 'a', allOf: [{ family: 'sev-snp', measurements: [A], ...changes }] }],
  freshness: 'nonce',
  evidenceMaxAgeSeconds: 3600,
})

function codesOf(lint: string): string[] {
  return (JSON.parse(lint) as { findings: { code: string }[] }).findings.map(({ code }) => code)
}

describe('sotto policy lint', () => {
  it('prints each finding on a line and exits 0 for warnings', async () => {
    desk.write('policy.json', snp({ allowDebug: true }))
    const { code, stdout, stderr } = await desk.sotto(['policy', 'lint', 'policy.json'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(
      'warning debug                a.sev-snp.allowDebug: admits guests in debug mode, which the hypervisor can read\n',
    )
    expect(stdout).toMatch(/\nevidence policy: 0 errors, \d warnings\n$/)
    expect((await desk.sotto(['policy', 'lint', 'policy.json', '--strict'])).code).toBe(1)
  })

  it('exits 2 for a policy that is none, and says where', async () => {
    desk.write('policy.json', snp({ measurements: ['short'] }))
    const { code, stdout } = await desk.sotto(['policy', 'lint', 'policy.json', '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'evidence',
      errors: 1,
      findings: [{ level: 'error', code: 'malformed', path: 'policy.anyOf[0].allOf[0].measurements[0]' }],
    })
  })

  it('knows a trust policy by its content', async () => {
    const { policy } = await createWorld()
    desk.write('trust.json', policy)
    const { code, stdout } = await desk.sotto(['policy', 'lint', 'trust.json', '--json'])
    const { kind, findings } = JSON.parse(stdout) as { kind: string; findings: { code: string }[] }
    expect([code, kind]).toEqual([0, 'trust'])
    expect(findings.map((finding) => finding.code)).toContain('software')
    // Whoever does not ask what content is used for gets whatever a release declares.
    const dataUse = { tasks: [], maxRetentionSeconds: 0, training: false }
    const asking = { ...policy, dataUse, require: [...policy.require, 'keys.data-use'] }
    desk.write('asking.json', asking)
    const asked = codesOf((await desk.sotto(['policy', 'lint', 'asking.json', '--json'])).stdout)
    expect([findings.some((one) => one.code === 'any-data-use'), asked.includes('any-data-use')]).toEqual([
      true,
      false,
    ])
    desk.write('trust.json', { ...policy, quorum: 1 })
    expect((await desk.sotto(['policy', 'lint', 'trust.json'])).code).toBe(2)
  })

  it.each([
    ['neither kind', '{"version":1}'],
    ['no JSON', '{'],
  ])('exits 2 for %s', async (_, text) => {
    const { code, stdout } = await desk.sotto(['policy', 'lint', '-'], text)
    expect([code, stdout.startsWith('error   malformed')]).toEqual([2, true])
  })

  it('judges windows by the time it is given', async () => {
    desk.write('policy.json', snp({ measurements: [A, { value: 'b'.repeat(96), notAfter: 1_800_000_100 }] }))
    const at = async (...flags: string[]): Promise<boolean> =>
      (await desk.sotto(['policy', 'lint', 'policy.json', ...flags])).stdout.includes('warning ended')
    expect([await at(), await at('--at', '2027-01-15T08:02:00Z')]).toEqual([false, true])
    expect((await desk.sotto(['policy', 'lint', 'policy.json', '--at', 'tomorrow'])).code).toBe(2)
  })

  it('does not let a policy draw on the terminal', async () => {
    const { stdout } = await desk.sotto(
      ['policy', 'lint', '-'],
      JSON.stringify({ ...snp(), 'a\u001B[2J': 1 }),
    )
    expect(stdout).not.toContain('\u001B')
  })
})

describe('sotto policy diff', () => {
  beforeEach(() => {
    desk.write('old.json', snp())
    desk.write('new.json', snp({ measurements: [A, 'b'.repeat(96)], requireAliasCheck: true }))
  })

  it('says what is newly admitted and newly refused', async () => {
    expect(await desk.sotto(['policy', 'diff', 'old.json', 'new.json'])).toEqual({
      code: 0,
      stderr: '',
      stdout:
        '+ a.sev-snp.measurements: MEASUREMENT bbbbbbbbbbbbbbbb…\n' +
        '- a.sev-snp.requireAliasCheck: evidence without a check for aliased memory at boot (BadRAM)\n' +
        '1 newly admitted, 1 newly refused, 0 without effect\n',
    })
  })

  it('prints the whole values as JSON', async () => {
    const { stdout } = await desk.sotto(['policy', 'diff', 'old.json', 'new.json', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      admits: [{ path: 'a.sev-snp.measurements', value: 'b'.repeat(96) }],
      refuses: [{ path: 'a.sev-snp.requireAliasCheck' }],
      neutral: [],
    })
  })

  it('finds no difference where only the writing differs', async () => {
    desk.write('new.json', `\n\t${JSON.stringify(snp({ allowDebug: false, vmpls: [0] }))}`)
    expect((await desk.sotto(['policy', 'diff', 'old.json', 'new.json'])).stdout).toBe(
      'the two policies mean the same\n',
    )
  })

  it.each([
    ['admits', ['old.json', 'new.json'], 1],
    ['refuses', ['old.json', 'new.json'], 1],
    ['admits', ['old.json', 'old.json'], 0],
    ['any', ['old.json', 'old.json'], 0],
  ])('fails on %s of %j with %i', async (what, files, code) => {
    expect((await desk.sotto(['policy', 'diff', ...files, '--fail-on', what])).code).toBe(code)
  })

  it('exits 2 for anything but two evidence policies', async () => {
    desk.write('trust.json', (await createWorld()).policy)
    const { code, stderr } = await desk.sotto(['policy', 'diff', 'old.json', 'trust.json'])
    expect([code, stderr.includes('trust.json is not an evidence policy [CLI_CONFIG]')]).toEqual([2, true])
    expect((await desk.sotto(['policy', 'diff', 'old.json'])).code).toBe(2)
    expect((await desk.sotto(['policy', 'diff', 'old.json', 'gone.json'])).code).toBe(2)
  })

  it('reads standard input', async () => {
    const { stdout } = await desk.sotto(['policy', 'diff', '-', 'old.json'], JSON.stringify(snp()))
    expect(stdout).toBe('the two policies mean the same\n')
  })
})

describe('sotto policy explain', () => {
  it('says in sentences what an evidence policy admits', async () => {
    desk.write('policy.json', desk.policy())
    const { code, stdout } = await desk.sotto(['policy', 'explain', 'policy.json'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Policy laptop admits evidence that satisfies its one tuple as a whole\.\nIt admits a software TEE: nothing is hidden/,
    )
    expect(stdout).toMatch(/\nSHA-256 of its canonical form: [0-9a-f]{64}\n$/)
  })

  it('names the same policy by the same digest, however it is written', async () => {
    const { anyOf, ...rest } = desk.policy() as { anyOf: object }
    const digest = async (document: object): Promise<string> => {
      desk.write('policy.json', document)
      const { stdout } = await desk.sotto(['policy', 'explain', 'policy.json', '--json'])
      return (JSON.parse(stdout) as { digest: string }).digest
    }
    expect(await digest({ anyOf, ...rest })).toBe(await digest({ ...rest, anyOf }))
    expect(await digest({ anyOf, ...rest, name: 'other' })).not.toBe(await digest({ anyOf, ...rest }))
  })

  it('explains a trust policy too', async () => {
    desk.write('trust.json', (await createWorld()).policy)
    const { code, stdout } = await desk.sotto(['policy', 'explain', 'trust.json', '--json'])
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { kind: 'trust' }])
    const milan = { name: 'milan', allOf: [{ family: 'sev-snp', requireRevocation: true, vmpls: [0] }] }
    const { policy } = await createWorld()
    const require = [...policy.require, 'hardware.cpu-vendor']
    desk.write('hardware.json', { ...policy, require, platforms: [milan] })
    const hardware = await desk.sotto(['policy', 'explain', 'hardware.json'])
    expect(hardware.stdout).toContain('Accepts hardware of AMD SEV-SNP.\n')
    expect(hardware.stdout).toContain('\nPlatform milan: AMD SEV-SNP.\n')
    const { stdout: lint } = await desk.sotto(['policy', 'lint', 'hardware.json', '--json'])
    const codes = codesOf(lint)
    expect(codes).toEqual(expect.arrayContaining(['any-chip', 'no-tcb-floor']))
    expect(codes).not.toContain('any-program')
    expect(codes).not.toContain('gpu-optional')
    expect((JSON.parse(stdout) as { lines: string[] }).lines.join(' ')).toContain('software TEE')
  })

  it.each([
    ['warns that GPUs may be left out', [], true],
    ['says nothing where GPUs are required', ['hardware.gpu'], false],
  ])('%s, where a platform has some', async (_, gpu, warns) => {
    const { policy } = await createWorld()
    const cpu = { family: 'sev-snp', requireRevocation: true }
    const platforms = [
      { name: 'milan', allOf: [cpu] },
      { name: 'h100', allOf: [cpu, { family: 'nvidia' }], gpuBinding: { minGpus: 1, maxGpus: 1 } },
    ]
    const require = [...policy.require, 'hardware.cpu-vendor', ...gpu]
    desk.write('gpus.json', { ...policy, require, platforms })
    const { stdout } = await desk.sotto(['policy', 'lint', 'gpus.json', '--json'])
    expect(codesOf(stdout)).not.toContain('malformed')
    expect(codesOf(stdout).includes('gpu-optional')).toBe(warns)
  })

  it.each([
    ['neither kind', '{}', 'neither kind of policy'],
    ['a malformed one', '{"anyOf":[]}', 'not an evidence policy'],
  ])('exits 2 for %s', async (_, text, says) => {
    const { code, stderr } = await desk.sotto(['policy', 'explain', '-'], text)
    expect([code, stderr.includes(says)]).toEqual([2, true])
  })
})

describe('the group', () => {
  it('completes its commands, flags and files', () => {
    const nodes = completionNodes(commands).filter(({ path }) => path.startsWith('policy'))
    expect(nodes.map(({ path, files }) => [path, files])).toEqual([
      ['policy', false],
      ['policy lint', true],
      ['policy diff', true],
      ['policy explain', true],
      ['policy test', true],
    ])
    expect(nodes.at(-1)!.words.map(({ word }) => word)).toEqual(
      expect.arrayContaining([
        '--evidence',
        '--collateral',
        '--cases',
        '--at',
        '--report-data',
        '--bound-at',
      ]),
    )
  })

  it('has help with examples', async () => {
    for (const name of ['lint', 'diff', 'explain', 'test']) {
      const { code, stdout } = await desk.sotto(['policy', name, '--help'])
      expect([code, stdout.includes(`$ sotto policy ${name} `)]).toEqual([0, true])
    }
  })
})

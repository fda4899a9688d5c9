import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { bindingFlag, createPolicyDesk, MEASUREMENT, type PolicyDesk } from './desk.ts'

let desk: PolicyDesk
beforeEach(() => {
  desk = createPolicyDesk()
  desk.write('policy.json', desk.policy())
  desk.write('report.bin', desk.report())
  desk.write('root.bin', desk.root.publicKey)
})
afterEach(() => desk.clear())

const test = (...argv: string[]): ReturnType<PolicyDesk['sotto']> =>
  desk.sotto(['policy', 'test', 'policy.json', ...argv])
const GIVEN = ['--evidence', 'report.bin', '--collateral', 'root.bin']

describe('sotto policy test', () => {
  it('says which tuple admits, what it took for granted, and whom one trusts', async () => {
    expect(await test(...GIVEN)).toEqual({
      code: 0,
      stdout:
        '✓ report.bin: admitted by this-laptop\n' +
        '    taken for granted: policy.binding, policy.freshness\n' +
        'you trust: the owner of the machine (software TEE)\n',
      stderr: 'warning: software TEE: this evidence is of a program, not of hardware\n',
    })
  })

  it('takes nothing for granted that it is told', async () => {
    const bound = ['--bound-at', '2027-01-15T07:30:00Z', '--at', '2027-01-15T08:00:00Z']
    const { code, stdout } = await test(...GIVEN, ...bindingFlag(desk), ...bound, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      policy: 'laptop',
      ok: true,
      cases: [{ admitted: true, tuple: 'this-laptop', assumed: [], appraisal: { software: true } }],
    })
    const late = ['--bound-at', '2027-01-15T06:00:00Z']
    expect((await test(...GIVEN, ...bindingFlag(desk), ...late)).code).toBe(5)
    expect((await test(...GIVEN, '--report-data', '00'.repeat(64), ...bound)).code).toBe(3)
  })

  it('says why no tuple admits, and exits 5', async () => {
    desk.write('policy.json', desk.policy({}, { measurements: ['00'.repeat(48)] }))
    const { code, stdout } = await test(...GIVEN)
    expect(code).toBe(5)
    expect(stdout).toContain('✗ report.bin: refused: measurement\n  this-laptop:\n')
    expect(stdout).toContain(
      `MEASUREMENT is another\n      expected: ${'00'.repeat(48)}\n      found:    ${MEASUREMENT}\n`,
    )
    expect(stdout).not.toContain('you trust')
  })

  it('exits 3 for evidence that is not authentic', async () => {
    const forged = desk.report()
    forged[0x90]! ^= 1
    desk.write('report.bin', forged)
    expect((await test(...GIVEN)).code).toBe(3)
    desk.write('root.bin', createPolicyDesk().root.publicKey)
    expect((await test(...GIVEN)).code).toBe(3)
  })

  it('reads a folder with evidence and its collateral, and text that tools print', async () => {
    desk.write('piece/anything', desk.report())
    desk.write('piece/else', desk.root.publicKey)
    expect((await test('--evidence', 'piece')).code).toBe(0)
    desk.write('report.hex', toHex(desk.report()))
    expect((await test('--evidence', 'report.hex', '--collateral', 'root.bin')).code).toBe(0)
  })

  it.each<[string, string[], string]>([
    ['nothing to try it on', [], 'nothing to try the policy on'],
    ['something that is no evidence', ['--evidence', 'root.bin'], 'root.bin holds no evidence'],
    ['a file that is not there', ['--evidence', 'gone.bin'], 'cannot read gone.bin'],
    ['a time in words', [...GIVEN, '--at', 'now'], '--at is not a time'],
    ['a date without a zone', [...GIVEN, '--bound-at', '2027-01-15T07:30:00'], '--bound-at is not a time'],
    ['a short binding', [...GIVEN, '--report-data', '00'], '--report-data is not 64 bytes'],
    ['collateral of two pieces', [...GIVEN, '--evidence', 'report.bin'], '--collateral belongs to one piece'],
    ['cases and evidence', [...GIVEN, '--cases', '.'], '--cases goes without --evidence, --collateral'],
    ['a folder without cases', ['--cases', '.'], 'holds no case'],
  ])('exits 2 for %s', async (_, argv, says) => {
    const { code, stdout, stderr } = await test(...argv)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(says)
  })
})

describe('sotto policy test --cases', () => {
  const writeCase = (name: string, document: object, measurement = MEASUREMENT): void => {
    desk.write(`cases/${name}/case.json`, { version: 1, at: '2027-01-15T08:00:00Z', ...document })
    desk.write(`cases/${name}/r`, desk.report(measurement))
    desk.write(`cases/${name}/k`, desk.root.publicKey)
  }

  it('compares every case with what it expects', async () => {
    writeCase('good', { expect: 'admitted', tuple: 'this-laptop' })
    writeCase('bound', {
      expect: 'admitted',
      reportData: toHex(desk.binding),
      boundAt: '2027-01-15T07:59:00Z',
    })
    writeCase('other', { expect: 'refused', reason: 'measurement' }, '00'.repeat(48))
    const { code, stdout } = await test('--cases', 'cases')
    expect(code).toBe(0)
    expect(stdout).toBe(
      '✓ bound: admitted by this-laptop\n' +
        '✓ good: admitted by this-laptop\n' +
        '    taken for granted: policy.binding, policy.freshness\n' +
        '✓ other: refused: measurement\n' +
        '3 of 3 cases as expected\n',
    )
  })

  it('exits 1 when one is not as expected, and says how', async () => {
    writeCase('good', { expect: 'refused' })
    writeCase('other', { expect: 'admitted' }, '00'.repeat(48))
    const { code, stdout } = await test('--cases', 'cases')
    expect(code).toBe(1)
    expect(stdout).toContain('✗ good: admitted by this-laptop; expected refused, found admitted\n')
    expect(stdout).toContain(
      '✗ other: refused: measurement; expected admitted, found refused\n  this-laptop:\n',
    )
    expect(stdout).toContain('\n0 of 2 cases as expected\n')
    const json = JSON.parse((await test('--cases', 'cases', '--json')).stdout) as { ok: boolean }
    expect(json.ok).toBe(false)
  })

  it('takes each piece of a machine from a folder of its own', async () => {
    writeCase('pair', { expect: 'refused', reason: 'hardware' })
    desk.write('cases/pair/second/r', desk.report())
    desk.write('cases/pair/second/k', desk.root.publicKey)
    expect((await test('--cases', 'cases')).code).toBe(0)
  })

  it.each<[string, object | string, string]>([
    ['no JSON', '{', 'is no case'],
    ['another version', { version: 2 }, 'case.version'],
    [
      'an unknown member',
      { version: 1, at: '2027-01-15T08:00:00Z', expect: 'admitted', note: '' },
      'case.note',
    ],
    [
      'an unknown reason',
      { version: 1, at: '2027-01-15T08:00:00Z', expect: 'refused', reason: 'bad' },
      'case.reason',
    ],
    ['no time', { version: 1, at: 'now', expect: 'refused' }, 'case.json: at is not a time'],
    ['a name twice', '{"version":1,"version":1}', 'twice'],
  ])('exits 2 for a case with %s', async (_, document, says) => {
    writeCase('c', { expect: 'admitted' })
    desk.write('cases/c/case.json', document)
    const { code, stderr } = await test('--cases', 'cases')
    expect([code, stderr.includes(says)]).toEqual([2, true])
  })
})

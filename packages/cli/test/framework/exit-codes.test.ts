import { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import { EXIT, EXIT_MEANINGS, exitCodeOf, exitCodeOfVerdict } from '../../src/framework/index.ts'

const failing = (...names: string[]): Parameters<typeof exitCodeOfVerdict>[0] => ({
  ok: false,
  steps: [
    { name: 'log.checkpoint', status: 'pass', title: '' },
    { name: 'hardware.gpu', status: 'skipped', title: '', reason: 'no GPU' },
    ...names.map((name) => ({ name, status: 'fail' as const, title: '' })),
  ],
})

describe('exit codes', () => {
  it('are pinned', () => {
    expect(EXIT).toEqual({
      ok: 0,
      failure: 1,
      usage: 2,
      notAuthentic: 3,
      authentication: 4,
      refused: 5,
      undecided: 6,
      pending: 8,
      interrupted: 130,
    })
    expect(EXIT_MEANINGS.map(([code]) => code)).toEqual(Object.values(EXIT))
  })

  it.each([
    ['kms.evidence', 3],
    ['log.checkpoint', 3],
    ['keys.logged', 3],
    ['a.step.unknown.here', 3],
    ['genesis.pinned', 5],
    ['kms.measurement', 5],
    ['kms.evidence-fresh', 5],
    ['keys.policy-tuples', 5],
    ['log.witnesses-independent', 5],
  ])('a verdict that fails at %s is %i', (step, code) => {
    expect(exitCodeOfVerdict(failing(step))).toBe(code)
  })

  it('calls a verdict that fails at both kinds not authentic', () => {
    expect(exitCodeOfVerdict(failing('genesis.pinned', 'kms.evidence'))).toBe(3)
  })

  it.each([
    ['CLI_USAGE', 2],
    ['CLI_CONFIG', 2],
    ['CLI_FILE', 2],
    ['CLI_STDIN', 2],
    ['CLI_REQUEST', 2],
    ['CLI_AUTH', 4],
    ['CLI_PENDING', 8],
    ['CLI_REFUSED', 5],
    ['CLI_NOT_AUTHENTIC', 3],
    ['CLI_CANCELLED', 130],
    ['CLI_SERVICE', 1],
    ['BUNDLE_UNREACHABLE', 6],
    ['BUNDLE_INVALID', 3],
    ['RELAY_URL', 2],
    ['PROXY_CONFIG', 2],
    ['RECEIPT_UNPROVEN', 6],
    ['RECEIPT_INVALID', 3],
    ['RESPONSE_TRUNCATED', 1],
    ['toString', 1],
  ])('%s is %i', (code, expected) => {
    expect(exitCodeOf(new SottoError(code, 'stop', 'x'))).toBe(expected)
  })
})

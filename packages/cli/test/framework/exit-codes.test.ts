import { readFileSync } from 'node:fs'
import { type ErrorAction, SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import { EXIT, EXIT_MEANINGS, exitCodeOf, exitCodeOfVerdict } from '../../src/framework/index.ts'

const failing = (...names: string[]): Parameters<typeof exitCodeOfVerdict>[0] => ({
  ok: false,
  steps: [
    { name: 'log.checkpoint', status: 'pass', required: true, title: '' },
    { name: 'hardware.gpu', status: 'skipped', required: false, title: '', reason: 'no GPU' },
    ...names.map((name) => ({ name, status: 'fail' as const, required: true, title: '' })),
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
    ['keys.data-use', 5],
    ['keys.app', 5],
    ['log.witnesses-independent', 5],
  ])('a verdict that fails at %s is %i', (step, code) => {
    expect(exitCodeOfVerdict(failing(step))).toBe(code)
  })

  it('calls a verdict that fails at both kinds not authentic', () => {
    expect(exitCodeOfVerdict(failing('genesis.pinned', 'kms.evidence'))).toBe(3)
  })

  it.each([
    ['CLI_USAGE', 'fix-input', 2],
    ['CLI_CONFIG', 'fix-input', 2],
    ['CLI_FILE', 'fix-input', 2],
    ['CLI_STDIN', 'fix-input', 2],
    ['CLI_REQUEST', 'fix-input', 2],
    ['CLI_AUTH', 'fix-input', 4],
    ['CLI_PENDING', 'retry', 8],
    ['CLI_REFUSED', 'stop', 5],
    ['CLI_NOT_AUTHENTIC', 'stop', 3],
    ['CLI_CANCELLED', 'retry', 130],
    ['CLI_SERVICE', 'retry', 1],
    ['STACK_RUNNING', 'fix-input', 2],
    ['STACK_NOT_RUNNING', 'fix-input', 2],
    ['STACK_FAILED', 'retry', 1],
    ['MODEL_INVALID', 'fix-input', 2],
    ['BUNDLE_UNREACHABLE', 'retry', 6],
    ['BUNDLE_INVALID', 'stop', 3],
    ['RELAY_URL', 'fix-input', 2],
    ['PROXY_CONFIG', 'fix-input', 2],
    ['RECEIPT_UNPROVEN', 'retry', 6],
    ['RECEIPT_INVALID', 'stop', 3],
    ['COLLATERAL_MISSING', 'retry', 6],
    ['COLLATERAL_UNREACHABLE', 'retry', 6],
    ['COLLATERAL_EXPIRED', 'retry', 6],
    ['COLLATERAL_INVALID', 'stop', 3],
    ['COLLATERAL_ROLLBACK', 'stop', 3],
    ['COLLATERAL_EVIDENCE', 'fix-input', 2],
    ['RESPONSE_TRUNCATED', 'retry', 1],
    ['toString', 'stop', 1],
  ] as const)('%s (%s) is %i', (code, action, expected) => {
    expect(exitCodeOf(new SottoError(code, action, 'x'))).toBe(expected)
  })

  it('is 2 or a more telling one for whatever the caller must change', () => {
    const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `(\w+)` \| ([\w-]+) \|/gm)] as unknown as [
      string,
      string,
      ErrorAction,
    ][]
    expect(rows.length).toBeGreaterThan(100)
    for (const [, code, action] of rows) {
      const exit = exitCodeOf(new SottoError(code, action, 'x'))
      if (action === 'fix-input') expect([code, exit === 2 || exit === 4]).toEqual([code, true])
      else expect([code, exit === 2]).toEqual([code, false])
    }
  })
})

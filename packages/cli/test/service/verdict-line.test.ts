import type { Step, Verdict } from '@sotto/verifier'
import { expect, it } from 'vitest'
import { formatVerdictLine } from '../../src/service/index.ts'
import { createStyle } from '../../src/terminal/index.ts'

const step = (name: string, found: string, status: Step['status'] = 'pass'): Step => ({
  name,
  status,
  required: true,
  title: name,
  found,
})

const VERDICT: Verdict = {
  ok: true,
  software: false,
  trustedParties: [],
  validUntil: 0,
  steps: [
    step('log.checkpoint', 'log.example, 42 entries'),
    step('log.witnesses', '3, 12 s ago'),
    step('log.witnesses-independent', 'a, b, c'),
    step('kms.evidence', 'sev-snp with nvidia, admitted as genoa'),
    step('kms.measurement', `kms 1.2.0 (sev-snp: measurement ${'ab'.repeat(48)})`),
  ],
}
const line = (verdict: Partial<Verdict>, colours = false): string =>
  formatVerdictLine({ ...VERDICT, ...verdict }, createStyle(colours))

it('says hardware, release, log and witnesses, and is green', () => {
  expect(line({})).toBe(
    '✓ verified · hardware sev-snp with nvidia · release kms 1.2.0 in the log · log log.example, 42 entries · 3 witnesses, independent',
  )
  expect(line({}, true).startsWith('\u001B[32m✓ verified\u001B[39m · ')).toBe(true)
})

it('never takes a software TEE for hardware, nor witnesses of the operator for others', () => {
  const steps = [
    ...VERDICT.steps.filter(({ name }) => name !== 'log.witnesses-independent'),
    step('log.witnesses-independent', '', 'skipped'),
  ]
  const said = line({ software: true, steps }, true)
  expect(said.split(' · ')[0]).toBe('\u001B[33m! verified, but on a SOFTWARE TEE, not hardware\u001B[39m')
  expect(said).toMatch(/3 witnesses, the operator's own$/)
  expect(said).not.toContain('\u001B[32m')
})

it('says what refused, and invents nothing that no step shows', () => {
  const steps = [step('kms.evidence', 'x', 'fail')]
  expect(line({ ok: false, steps })).toBe('✗ not verified: kms.evidence')
  expect(line({ steps: [] })).toContain('hardware not shown')
})

it('is one line whatever a log is called', () => {
  const steps = [step('log.checkpoint', 'log\n✓ hardware\u001B[2J, 1 entries')]
  expect(line({ steps })).toContain('log ✓ hardware\uFFFD[2J')
})

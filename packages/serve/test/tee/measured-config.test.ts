import { toBase64Url } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { requireMeasuredConfig } from '../../src/tee/index.ts'

const report = new Uint8Array(1184)
report.fill(0xab, 0xc0, 0xe0)

test('accepts the configuration HOST_DATA names and refuses any other', () => {
  const evidence = { family: 'snp' as const, report: toBase64Url(report), chain: [] }
  requireMeasuredConfig('ab'.repeat(32), evidence)
  expect(() => requireMeasuredConfig(`${'ab'.repeat(31)}ac`, evidence)).toThrowError(
    expect.objectContaining({ code: 'CONFIG_NOT_MEASURED', action: 'stop' }),
  )
  expect(() =>
    requireMeasuredConfig('00'.repeat(32), { ...evidence, report: toBase64Url(report.subarray(1)) }),
  ).toThrowError(expect.objectContaining({ code: 'TEE_MALFORMED' }))
})

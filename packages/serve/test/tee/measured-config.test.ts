import { toBase64Url } from '@sotto/protocol/bytes'
import type { Evidence } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { requireMeasuredConfig } from '../../src/tee/index.ts'

const report = new Uint8Array(1184)
report.fill(0xab, 0xc0, 0xe0)

test('accepts the configuration HOST_DATA names and refuses any other', () => {
  const evidence = (family: 'sev-snp' | 'tdx' | 'nitro', bytes = report): Evidence => [
    { family, evidence: toBase64Url(bytes), collateral: {} },
  ]
  requireMeasuredConfig('ab'.repeat(32), evidence('sev-snp'))
  expect(() => requireMeasuredConfig(`${'ab'.repeat(31)}ac`, evidence('sev-snp'))).toThrowError(
    expect.objectContaining({ code: 'CONFIG_NOT_MEASURED', action: 'stop' }),
  )
  expect(() =>
    requireMeasuredConfig('00'.repeat(32), evidence('sev-snp', report.subarray(0, 0xdf))),
  ).toThrowError(expect.objectContaining({ code: 'TEE_MALFORMED' }))
  // MRCONFIGID has 48 bytes, of which a SHA-256 fills the first 32.
  const quote = new Uint8Array(700)
  quote.fill(0xab, 48 + 184, 48 + 184 + 32)
  requireMeasuredConfig('ab'.repeat(32), evidence('tdx', quote))
  quote[48 + 184 + 40] = 1
  expect(() => requireMeasuredConfig('ab'.repeat(32), evidence('tdx', quote))).toThrowError(
    expect.objectContaining({ code: 'CONFIG_NOT_MEASURED' }),
  )
  // Nitro measures the configuration with the image.
  requireMeasuredConfig('ab'.repeat(32), evidence('nitro'))
})

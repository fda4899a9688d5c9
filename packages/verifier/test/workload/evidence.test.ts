import { expect, it } from 'vitest'
import type { EvidenceFamily } from '@sotto/protocol/keyrelease'
import type { PieceVerdict } from '@sotto/verifier/appraisal'
import { hardwareOf } from '@sotto/verifier/workload'
import { claim } from '../../../../test/claims.ts'

const verdict = (family: EvidenceFamily, fields: object): PieceVerdict =>
  ({ family, fields }) as unknown as PieceVerdict

it.each<[EvidenceFamily, object, string[]]>([
  ['sev-snp', { chip_id: 'ab' }, ['sev-snp ab']],
  ['software', { chip_id: 'ab' }, ['software ab']],
  ['azure-cvm', { snp: { chip_id: 'ab' } }, ['azure-cvm ab']],
  ['azure-cvm', { tdx: { mrtd: 'cd' } }, ['azure-cvm']],
  ['tdx', { ppid: 'ab' }, ['tdx ab']],
  ['sgx', { ppid: 'ab' }, ['sgx ab']],
  ['nitro', { module_id: 'i-1-enc2' }, ['nitro i-1-enc2']],
  [
    'nvidia',
    {
      gpu_ids: [
        ['ab', '1'],
        ['cd', '2'],
      ],
    },
    ['nvidia ab', 'nvidia cd'],
  ],
  ['gcp-confidential-space', { hwmodel: 'GCP_INTEL_TDX' }, ['gcp-confidential-space']],
  ['nitro', { module_id: 'two\nlines' }, ['nitro']],
])(
  claim('T4', 'names the chip of %s in a record of a release, where its evidence does: %j'),
  (family, fields, names) => {
    expect(hardwareOf([verdict(family, fields)])).toEqual(names)
  },
)

import { toBase64Url } from '../../src/bytes/index.ts'
import type { ModelOrigin } from '../../src/training/index.ts'
import { named, offerOf } from '../contract/contracts.ts'
import { banks } from '../contract/trainings.ts'

const CONTRACT = named(banks())

/** An origin of the right form. Nothing in it is signed. */
export const ORIGIN: ModelOrigin = {
  format: 'sotto-model-origin/1',
  output: 'model',
  salt: toBase64Url(new Uint8Array(32).fill(3)),
  offered: {
    offer: offerOf(CONTRACT, 'learn'),
    shown: {
      evidence: [{ family: 'software', evidence: toBase64Url(new Uint8Array(64)), collateral: {} }],
      binding: {
        version: 1,
        genesis: CONTRACT.contract.genesis,
        wrapKey: offerOf(CONTRACT, 'learn').wrapKey,
        receiptKey: offerOf(CONTRACT, 'learn').receiptKey,
        checkpoint: 'ab'.repeat(32),
      },
      checkpoint: 'log\n1\n',
    },
  },
  receipt: '{"receipt":1}',
  permit: '{"permit":1}',
  provenance: '{"provenance":1}',
  bundles: ['AAAA'],
  bundle: 'AAAA',
  at: 1_800_000_000,
}

import { toBase64Url } from '@sotto/protocol/bytes'
import {
  handedOverDecoder,
  handoverBindingDecoder,
  handoverReceiptDecoder,
  handoverRequestDecoder,
  handoverResponseDecoder,
  type HandedOver,
  type HandoverBinding,
  type HandoverReceipt,
} from '@sotto/protocol/handover'
import type { Decoder } from '@sotto/protocol/jcs'

export const DIGEST: string = 'ab'.repeat(32)
const text = (length: number, fill: number): string => toBase64Url(new Uint8Array(length).fill(fill))

export const binding: HandoverBinding = {
  version: 1,
  genesis: DIGEST,
  wrapKey: text(1216, 1),
  statementKey: text(32, 2),
  checkpoint: DIGEST,
}

export const handedOver: HandedOver = {
  version: 1,
  rootSecret: text(32, 3),
  generation: 1,
  keys: [7, 8].map((keyId) => ({
    keyId,
    config: text(1300, 4),
    policy: DIGEST,
    notBefore: 100,
    notAfter: 200,
    destroyAt: 260,
    privateKey: text(32, 5),
  })),
}

export const receipt: HandoverReceipt = {
  version: 1,
  genesis: DIGEST,
  policy: DIGEST,
  tuple: 'kms-2',
  evidence: DIGEST,
  hardware: ['sev-snp ab12'],
  fromKey: text(32, 6),
  toKey: text(32, 7),
  fromSecurityVersion: 1,
  toSecurityVersion: 2,
  generation: 1,
  keyIds: [7, 8],
  issuedAt: 1_800_000_000,
}

/** One good document of every kind with its decoder. */
export const DOCUMENTS: Record<string, { decoder: Decoder<unknown>; good: object }> = {
  binding: { decoder: handoverBindingDecoder, good: binding },
  request: {
    decoder: handoverRequestDecoder,
    good: {
      evidence: [{ family: 'software', evidence: text(64, 1), collateral: { root: text(97, 1) } }],
      binding,
      checkpoint: 'log\n1\n',
    },
  },
  response: {
    decoder: handoverResponseDecoder,
    good: { receipt: { envelope: '{}', index: 4 }, enc: text(1120, 1), wrapped: text(300, 2) },
  },
  'handed over': { decoder: handedOverDecoder, good: handedOver },
  receipt: { decoder: handoverReceiptDecoder, good: receipt },
}

import { AZURE_PAYLOAD_TYPES, azureReleaseDecoder, azureServiceDecoder } from '@sotto/protocol/azure-dialect'
import { contractEventDecoder, RUN_TYPES } from '@sotto/protocol/contract'
import { decisionDecoder, governanceRecordDecoder, parseMemberJws } from '@sotto/protocol/governance'
import { HANDOVER_RECEIPT_TYPE, handoverReceiptDecoder } from '@sotto/protocol/handover'
import {
  decodeDocument,
  genesisDecoder,
  keySetDecoder,
  kmsCertificateDecoder,
  PAYLOAD_TYPES,
  releaseReceiptDecoder,
} from '@sotto/protocol/keyrelease'
import { SPENDING_TYPES, spendRosterDecoder } from '@sotto/protocol/spending'
import { STATE_ANCHOR_TYPE, stateAnchorDecoder } from '@sotto/protocol/state-anchor'
import { entryType, type EntryType, instant } from './entry-type.ts'

/** What a KMS puts into the log, apart from what is about its root secret. */
export const KMS_ENTRIES: readonly [string, EntryType][] = [
  [
    PAYLOAD_TYPES.genesis,
    entryType(
      'genesis',
      genesisDecoder,
      (genesis) =>
        `${genesis.name}, ${genesis.threshold} of ${genesis.members.map(({ name }) => name).join(', ')}`,
    ),
  ],
  [
    PAYLOAD_TYPES.kmsCertificate,
    entryType(
      'KMS certificate',
      kmsCertificateDecoder,
      ({ signingKey, notBefore, notAfter }) => `${signingKey}, ${instant(notBefore)} to ${instant(notAfter)}`,
    ),
  ],
  [
    PAYLOAD_TYPES.governance,
    entryType(
      'governance record',
      governanceRecordDecoder,
      ({ sequence, entry }) => `number ${sequence}, a ${entry.type}`,
    ),
  ],
  [
    PAYLOAD_TYPES.decision,
    {
      name: 'decision',
      decode(payload) {
        const decision = decodeDocument(payload, decisionDecoder, 'decision')
        return { ...decision, proposed: parseMemberJws(decision.proposal, 'proposal').document }
      },
      describe: ({
        sequence,
        ballots,
        proposed,
      }: {
        sequence: number
        ballots: unknown[]
        proposed: { kind: string }
      }) => `number ${sequence}, ${proposed.kind}, ${ballots.length} ballots`,
    },
  ],
  [
    PAYLOAD_TYPES.keySet,
    entryType(
      'key set',
      keySetDecoder,
      ({ epoch, keys }) => `epoch ${epoch}, keys ${keys.map(({ keyId }) => keyId).join(', ')}`,
    ),
  ],
  [
    PAYLOAD_TYPES.releaseReceipt,
    entryType(
      'release receipt',
      releaseReceiptDecoder,
      ({ epoch, tuple, hardware }) => `epoch ${epoch} to ${hardware.join(', ')} as ${tuple}`,
    ),
  ],
  [
    HANDOVER_RECEIPT_TYPE,
    entryType(
      'handover receipt',
      handoverReceiptDecoder,
      ({ toKey, hardware, tuple, toSecurityVersion }) =>
        `to ${toKey} on ${hardware.join(', ')} as ${tuple}, security version ${toSecurityVersion}`,
    ),
  ],
  [
    SPENDING_TYPES.roster,
    entryType(
      'spend roster',
      spendRosterDecoder,
      ({ context, sequence, gateways }) =>
        `context ${context}, ${sequence} requests, ${gateways.length} gateways`,
    ),
  ],
  [
    RUN_TYPES.event,
    entryType(
      'contract event',
      contractEventDecoder,
      ({ event, contract, statement }) => `${event}, contract ${contract}, statement ${statement}`,
    ),
  ],
  [
    STATE_ANCHOR_TYPE,
    entryType('state anchor', stateAnchorDecoder, ({ sequence, digest }) => `number ${sequence}, ${digest}`),
  ],
  [
    AZURE_PAYLOAD_TYPES.release,
    entryType(
      'release to a token',
      azureReleaseDecoder,
      ({ epoch, keyId, tuple }) => `epoch ${epoch}, key ${keyId} as ${tuple}`,
    ),
  ],
  [
    AZURE_PAYLOAD_TYPES.service,
    entryType(
      'service certificate',
      azureServiceDecoder,
      ({ certificate, notBefore, notAfter }) =>
        `${certificate}, ${instant(notBefore)} to ${instant(notAfter)}`,
    ),
  ],
]

import { PROVENANCE_PAYLOAD_TYPES, sbomStatementDecoder } from '@sotto/protocol/provenance'
import {
  formatModelName,
  MODEL_TYPES,
  modelRemovalDecoder,
  modelStatementDecoder,
  ownerTag,
} from '@sotto/protocol/sealed-models'
import { ISSUER_KEYS_TYPE, issuerKeysDecoder } from '@sotto/protocol/tokens'
import { digestCount, RECEIPT_BATCH_TYPE, receiptBatchDecoder } from '@sotto/protocol/receipt-log'
import { entryType, type EntryType } from './entry-type.ts'

/** What others than the KMS put into the log: builders, token issuers, owners of models, enclaves. */
export const SERVICE_ENTRIES: readonly [string, EntryType][] = [
  [
    RECEIPT_BATCH_TYPE,
    entryType(
      'receipt batch',
      receiptBatchDecoder,
      ({ sequence, evidence, digests }) =>
        `number ${sequence} of an enclave with evidence ${evidence}, ${digestCount({ digests })} digests`,
    ),
  ],
  [
    PROVENANCE_PAYLOAD_TYPES.sbom,
    entryType(
      'software bill of materials',
      sbomStatementDecoder,
      ({ image, sbom, format }) => `${format} ${sbom} of image ${image}`,
    ),
  ],
  [
    ISSUER_KEYS_TYPE,
    entryType(
      'token keys of an issuer',
      issuerKeysDecoder,
      ({ issuer, sequence, classes }) =>
        `${issuer}, statement ${sequence}, classes ${classes.map(({ name }) => name).join(', ')}`,
    ),
  ],
  [
    MODEL_TYPES.statement,
    entryType(
      'model statement',
      modelStatementDecoder,
      ({ name, version, owner, task, digest }) =>
        `${formatModelName({ tag: ownerTag(owner), name, version })}, ${task}, sealed file ${digest}`,
    ),
  ],
  [
    MODEL_TYPES.removal,
    entryType('model removal', modelRemovalDecoder, ({ name, version, owner }) =>
      version === 'all'
        ? `every version of ${formatModelName({ tag: ownerTag(owner), name })}`
        : formatModelName({ tag: ownerTag(owner), name, version }),
    ),
  ],
]

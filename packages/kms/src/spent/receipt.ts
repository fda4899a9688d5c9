import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  type Digest,
  type Ed25519Key,
  type LoggedStatement,
  PAYLOAD_TYPES,
  type ReleaseReceipt,
  releaseReceiptDecoder,
} from '@sotto/protocol/keyrelease'
import type { LogClient } from '@sotto/serve/log-client'
import { kmsError } from '../errors.ts'

/** What proves that a receipt key belongs to an enclave that was admitted. */
export interface ReceiptProof {
  genesis: Digest
  /** Keys that receipts of this KMS are signed with, of this boot and those before. */
  statementKeys: readonly Ed25519Key[]
  log: Pick<LogClient, 'lastSeen' | 'latest' | 'proveInclusion'>
}

/**
 * The receipt by which this KMS released keys to the boot of `gateway`. Signature first, so that a stranger costs no
 * reads from the log.
 * @throws `KMS_SPENDER_UNKNOWN`; `LOG_UNREACHABLE`
 */
export async function verifySpender(
  statement: LoggedStatement,
  gateway: Ed25519Key,
  { genesis, statementKeys, log }: ReceiptProof,
): Promise<ReleaseReceipt> {
  const entry = utf8(statement.envelope)
  let receipt: ReleaseReceipt
  try {
    const { payload } = verifyDsse(
      parseDsse(entry),
      PAYLOAD_TYPES.releaseReceipt,
      statementKeys.map(fromBase64Url),
    )
    receipt = decodeDocument(payload, releaseReceiptDecoder, 'receipt')
  } catch (cause) {
    throw unknownSpender('its release receipt is not of this KMS', cause)
  }
  if (receipt.genesis !== genesis || receipt.receiptKey !== gateway)
    throw unknownSpender('its release receipt is of another enclave')
  const { lastSeen } = log
  const tree = lastSeen !== undefined && lastSeen.size > statement.index ? lastSeen : await log.latest()
  try {
    await log.proveInclusion(entry, statement.index, tree)
  } catch (cause) {
    if ((cause as { action?: unknown }).action === 'retry') throw cause
    throw unknownSpender('its release receipt is not in the log', cause)
  }
  return receipt
}

/** Who is no gateway of this KMS spends nothing. */
export function unknownSpender(why: string, cause?: unknown): Error {
  return kmsError('KMS_SPENDER_UNKNOWN', `this gateway may spend no tokens: ${why}`, {
    hint: 'Obtain keys, then join with the receipt.',
    ...(cause !== undefined && { cause }),
  })
}

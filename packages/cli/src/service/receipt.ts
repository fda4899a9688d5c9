import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Sotto } from '@sotto/client'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { hasCode } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { formatBytes } from '../terminal/index.ts'

/** Flag of commands whose answers carry receipts. */
export const RECEIPT_FLAG = {
  receipt: { type: 'string', value: 'FILE', summary: 'keep the verified receipt in this file' },
} as const

/**
 * Verifies the receipt of a finished answer and keeps it where asked. Without `--receipt` a missing
 * receipt is fine, a wrong one never is.
 * @returns the receipt, or undefined when there is none
 * @throws `RECEIPT_INVALID`; with a file `RECEIPT_MISSING`, `RECEIPT_UNPROVEN` and `CLI_FILE` too
 */
export async function finishReceipt(
  context: CommandContext,
  sotto: Sotto,
  response: Response,
  file: string | undefined,
): Promise<SavedReceipt | undefined> {
  return (await keepReceipts(context, async () => [await sotto.receiptOf(response)], file)).at(0)
}

/** {@link finishReceipt} of an answer in several parts: the second receipt lies in `FILE.2`, and so on. */
export async function keepReceipts(
  context: CommandContext,
  receiptsOf: () => Promise<SavedReceipt[]>,
  file: string | undefined,
): Promise<SavedReceipt[]> {
  let receipts: SavedReceipt[]
  try {
    receipts = await receiptsOf()
  } catch (error) {
    const harmless = hasCode(error, 'RECEIPT_MISSING') || hasCode(error, 'RECEIPT_UNPROVEN')
    if (file !== undefined || !harmless) throw error
    context.detail(`no receipt: ${error.message}`)
    return []
  }
  if (file === undefined) return receipts
  for (const [index, receipt] of receipts.entries()) {
    const name = index === 0 ? file : `${file}.${index + 1}`
    try {
      await writeFile(resolve(context.io.cwd, name), `${text(receipt)}\n`, { mode: 0o600 })
    } catch (cause) {
      throw cliError('CLI_FILE', `cannot write the receipt to ${name}`, { cause })
    }
    context.note(`receipt kept in ${name}, ${describeSize(receipt)}`)
  }
  return receipts
}

const text = (value: object): string => JSON.stringify(value)

function describeSize(receipt: SavedReceipt): string {
  const size = formatBytes(text(receipt).length)
  // The KMS has restarted since the verdict: this command judged a bundle of another statement key.
  if (receipt.trust === undefined) return `${size}, without a trust bundle: ask again for one with it`
  return `${size}, of which ${formatBytes(text(receipt.trust).length)} are the trust bundle`
}

/** What `--json` results say about how they came about. */
export function provenance(sotto: Sotto, receipt: SavedReceipt | undefined): Record<string, unknown> {
  return {
    verified: sotto.trust.ok,
    software: sotto.trust.software,
    validUntil: sotto.trust.validUntil,
    receipt: receipt ?? null,
  }
}

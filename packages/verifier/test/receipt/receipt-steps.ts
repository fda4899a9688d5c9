import { canonicalJson } from '@sotto/protocol/jcs'
import { parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import { type MintedReceipt, type World } from '@sotto/testkit'
import { verifyReceipt, type ReceiptResult, type ReceiptSubject } from '@sotto/verifier'

export const subjectOf = ({ request, response }: MintedReceipt): ReceiptSubject => ({
  request: { ...request, body: [request.body] },
  response: { ...response, body: [response.body] },
})
/** As a holder does it: from the bytes of the file. */
export const verify = (world: World, saved: SavedReceipt, subject: ReceiptSubject = {}): ReceiptResult =>
  verifyReceipt(parseSavedReceipt(canonicalJson(saved)), world.policy, subject)
export const failed = ({ steps }: ReceiptResult): string[] =>
  steps.filter(({ status }) => status === 'fail').map(({ name }) => name)

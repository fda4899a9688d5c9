import { utf8 } from '@sotto/protocol/bytes'
import { Refusal, Skip } from '../checks/index.ts'
import type { SignedDocument } from './collateral.ts'
import type { DcapFacts } from './facts.ts'
import { instantText } from './fields.ts'
import { isSignedByCertificate } from './verify-p256.ts'

/** Which document is looked for. */
interface Wanted {
  /** Subject of sentences. */
  what: string
  /** Member `id` of the one for this TEE. */
  id: string
}

/**
 * The one document that counts: that for this TEE when there are others beside it. Two different ones for it
 * are refused, so that nobody chooses the milder one by their order.
 *
 * @throws Skip when there is none
 */
export function chooseDocument(documents: readonly SignedDocument[], { what, id }: Wanted): SignedDocument {
  const distinct = [...new Map(documents.map((document) => [document.text, document])).values()]
  const own = distinct.filter(({ value }) => (value as { id?: unknown } | null)?.id === id)
  const [document, ...more] = own.length > 0 ? own : distinct
  if (document === undefined) throw new Skip(`${what} was not given`)
  if (more.length > 0)
    throw new Refusal(`${what} was given several times and differs`, '1', `${more.length + 1}`)
  return document
}

/**
 * Verifies the signature over the characters of a document, by a verified TCB signing certificate.
 *
 * @throws Refusal; Skip where signature or issuer chain were not given, so that nothing can be said
 */
export function verifyDocument(document: SignedDocument, what: string, facts: DcapFacts): void {
  const { signature, issuerChain } = document
  const signatures = signature ? [signature] : facts.pieces.signatures
  if (signatures.length === 0) throw new Skip(`the signature of ${what} was not given`)
  const chains = issuerChain === undefined ? facts.pieces.chains : [issuerChain]
  const known = chains.flatMap((pem) => facts.tcbSigners?.get(pem)?.chain[0] ?? [])
  if (known.length === 0) throw new Skip(`there is no genuine issuer chain for ${what}`)
  const message = utf8(document.text)
  const isSigned = known.some((signer) =>
    signatures.some((candidate) => isSignedByCertificate(signer, message, candidate, true)),
  )
  if (!isSigned) throw new Refusal(`${what} is not signed by its issuer`)
}

/** Refuses a document outside its issueDate and nextUpdate. */
export function requireCurrentDocument(
  { issueDate, nextUpdate }: { issueDate: number; nextUpdate: number },
  what: string,
  at: number,
): void {
  // Written so that a time that is no number is refused.
  if (at >= issueDate && at <= nextUpdate) return
  throw new Refusal(
    at < issueDate ? `${what} is not valid yet` : `${what} has expired`,
    `${instantText(issueDate)} to ${instantText(nextUpdate)}`,
    instantText(at),
    'expired',
  )
}

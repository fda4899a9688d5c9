import { concat, equalBytes, fromBase64, fromHex, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { base64, type Decoder, hex, list, object, parseStrictJson, text } from '../jcs/index.ts'
import { type Certificate, isSignedBy, parseCertificate, pemToDer, rawEcdsaSignature } from '../x509/index.ts'
import { azureError } from './errors.ts'

/** A node beside the path from leaf to root, SHA-256 in lower-case hexadecimal. */
export type CcfProofStep = { left: string } | { right: string }

/** A receipt in the form of CCF, as their client reads it. Everything in it is its sender's claim. */
export interface CcfReceipt {
  /** PEM of the certificate of the key that signed. */
  cert: string
  leaf_components: {
    /** Here: SHA-256 of the log entry with the key set. */
    write_set_digest: string
    /** Here: genesis, epoch and place in the log, see {@link commitEvidenceOf}. */
    commit_evidence: string
    /** SHA-256 of the bytes of the published key configuration. */
    claims_digest: string
  }
  proof: CcfProofStep[]
  /** DER of an ECDSA signature on P-384 over the root, base64. */
  signature: string
}

/** Keys of one set are fewer than 2^8; other services' trees may be deeper. */
const MAX_PROOF_STEPS = 64
const MAX_RECEIPT_BYTES = 32_768

const digest = hex(32)
const stepDecoder: Decoder<CcfProofStep> = (value, path) =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'left')
    ? object<{ left: string }>({ left: digest })(value, path)
    : object<{ right: string }>({ right: digest })(value, path)

const receiptDecoder: Decoder<CcfReceipt> = object<CcfReceipt>({
  cert: text(8192),
  leaf_components: object<CcfReceipt['leaf_components']>({
    write_set_digest: digest,
    commit_evidence: text(512, /^[\x20-\x7e]+$/),
    claims_digest: digest,
  }),
  proof: list(stepDecoder, 0, MAX_PROOF_STEPS),
  signature: base64(8, 110),
})

/** Reads a receipt: structure only. @throws `AZURE_MALFORMED` */
export function parseCcfReceipt(receipt: string): CcfReceipt {
  try {
    return receiptDecoder(parseStrictJson(receipt, { maxBytes: MAX_RECEIPT_BYTES }), 'receipt')
  } catch (cause) {
    throw azureError('AZURE_MALFORMED', `receipt: ${(cause as Error).message}`, { cause })
  }
}

/** What a leaf is the SHA-256 of. */
export function leafPreimage({
  write_set_digest,
  commit_evidence,
  claims_digest,
}: CcfReceipt['leaf_components']): Uint8Array {
  const evidence = publicCrypto.sha256(utf8(commit_evidence))
  return concat(fromHex(write_set_digest), evidence, fromHex(claims_digest))
}

/** What the root is the SHA-256 of: the signature is ECDSA with SHA-256 over these bytes. */
export function rootPreimage({
  leaf_components,
  proof,
}: Pick<CcfReceipt, 'leaf_components' | 'proof'>): Uint8Array {
  let preimage = leafPreimage(leaf_components)
  for (const step of proof) {
    const current = publicCrypto.sha256(preimage)
    preimage = 'left' in step ? concat(fromHex(step.left), current) : concat(current, fromHex(step.right))
  }
  return preimage
}

/**
 * Whether this service published this key: everything their client leaves out. The certificate of the service
 * itself is authentic only where its digest stands in a logged statement of the KMS (see `AzureService`).
 *
 * @param service the certificate of the service
 * @param config bytes of the published key configuration
 * @param at Unix seconds
 * @throws `AZURE_RECEIPT_INVALID` saying what does not hold
 */
export function verifyCcfReceipt(
  receipt: CcfReceipt,
  { service, config, at }: { service: Certificate; config: Uint8Array; at: number },
): void {
  const node = nodeOf(receipt)
  for (const { notBefore, notAfter } of [service, node])
    if (!(at >= notBefore && at <= notAfter)) throw invalid('a certificate is not valid now')
  if (!isSignedBy(node, service)) throw invalid('the service did not certify the key that signed')
  const { publicKey } = node
  if (publicKey.type !== 'ec' || publicKey.curve !== 'P-384') throw invalid('the key is not on P-384')
  const raw = rawEcdsaSignature(fromBase64(receipt.signature), 48)
  const key = publicCrypto.ecdsa.importPublic('P-384', 'sha256', publicKey.point)
  if (raw === undefined || !key.verify(rootPreimage(receipt), raw))
    throw invalid('the signature is not valid')
  const found = receipt.leaf_components.claims_digest
  const expected = publicCrypto.sha256(config)
  if (!equalBytes(fromHex(found), expected))
    throw azureError('AZURE_RECEIPT_INVALID', 'receipt: it is about another key', {
      expected: toHex(expected),
      found,
    })
}

/** What `commit_evidence` says here: where a careful client finds the key set in the log. */
export function commitEvidenceOf(genesis: string, epoch: number, index: number): string {
  return `ce:sotto:${genesis}:${epoch}:${index}`
}

function nodeOf({ cert }: CcfReceipt): Certificate {
  try {
    return parseCertificate(pemToDer(cert, 'CERTIFICATE'))
  } catch (cause) {
    throw azureError('AZURE_RECEIPT_INVALID', 'receipt: the certificate is malformed', { cause })
  }
}

function invalid(what: string): Error {
  return azureError('AZURE_RECEIPT_INVALID', `receipt: ${what}`)
}

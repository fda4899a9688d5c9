import {
  type AzurePublishedKey,
  buildReceiptTree,
  type CcfReceipt,
  commitEvidenceOf,
} from '@sotto/protocol/azure-dialect'
import { fromBase64Url, toBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState, RequestKey } from '../state/index.ts'
import type { AzureIdentity } from './identity.ts'

/** Keys that clients of the dialect can use, the newest last: it is the one that they take. */
export function azureKeys(state: KmsState, now: UnixSeconds): RequestKey[] {
  const keys = (state.epoch?.keyIds ?? []).flatMap((keyId) => state.keys.get(keyId) ?? [])
  return keys
    .filter(({ kem, notAfter }) => kem === 'P-384' && notAfter >= now)
    .toSorted((a, b) => a.notAfter - b.notAfter)
}

/**
 * Receipts for all keys of the dialect in the logged set of this epoch, by key identifier. Each says where the log
 * holds the set, and commits to the bytes of its key.
 * @throws `KMS_NOT_READY` while the set is not logged
 */
export function azureReceipts(state: KmsState, { node }: AzureIdentity): ReadonlyMap<number, string> {
  const { number, statement, keyIds } = state.epoch!
  if (statement.index === undefined) throw kmsError('KMS_NOT_READY', 'the key set is not logged yet')
  const commitEvidence = commitEvidenceOf(state.identity!.digest, number, statement.index)
  const keys = keyIds.flatMap((keyId) => state.keys.get(keyId) ?? []).filter(({ kem }) => kem === 'P-384')
  if (keys.length === 0) return new Map()
  const leaves = keys.map(({ config }) => ({
    write_set_digest: toHex(crypto.sha256(utf8(statement.envelope))),
    commit_evidence: commitEvidence,
    claims_digest: toHex(crypto.sha256(fromBase64Url(config))),
  }))
  const { preimage, proofs } = buildReceiptTree(leaves)
  const signature = toBase64(node.sign(preimage))
  return new Map(
    keys.map(({ keyId }, index) => {
      const receipt: CcfReceipt = {
        cert: node.pem,
        leaf_components: leaves[index]!,
        proof: proofs[index]!,
        signature,
      }
      return [keyId, JSON.stringify(receipt)]
    }),
  )
}

/** `GET /listpubkeys`. */
export function publishedKeys(
  keys: readonly RequestKey[],
  receipts: ReadonlyMap<number, string>,
): AzurePublishedKey[] {
  return keys.flatMap(({ keyId, config }) => {
    const receipt = receipts.get(keyId)
    return receipt === undefined ? [] : [{ publicKey: toHex(fromBase64Url(config)), receipt }]
  })
}

import { equalBytes, toBase64, toHex, utf8 } from '../bytes/index.ts'
import { canonicalJson } from '../jcs/index.ts'
import { leafHash, verifyInclusion } from '../merkle/index.ts'
import { type Note, parseCheckpoint, parseNote } from '../note/index.ts'
import type { PublicKey } from '../x509/index.ts'
import { omsError, refuseAs } from './errors.ts'
import type { LogEntry } from './keyless-entry.ts'
import { dateText, isValidAt, type OmsTrustedRoot, type TrustedLog, validityText } from './keyless-root.ts'
import { isEcdsaSignature } from './signature.ts'

/**
 * Proves that a log of the trusted root took the entry in at the time it states, and has it: signed entry timestamp,
 * checkpoint and inclusion proof, all by the log's one key. Whoever trusts `integratedTime` trusts the log's clock.
 *
 * @throws `OMS_LOG` (stop); `OMS_UNSUPPORTED` (fix-input) for a log whose key is of another kind than ECDSA
 */
export function verifyLogEntry(entry: LogEntry, root: OmsTrustedRoot): void {
  const log = findLog(entry, root)
  const { publicKey } = log
  if (publicKey === undefined)
    throw omsError('OMS_UNSUPPORTED', 'the key of the log is of a kind that is not verified with', {
      expected: 'ECDSA on P-256, P-384 or P-521',
      found: log.keyDetails,
    })
  requireTimestamp(entry, publicKey)
  refuseAs('OMS_LOG', 'the entry is not proven to be in the log', () => {
    requireInclusion(entry, log, publicKey)
  })
}

/** Of the log that the entry names. Keys end before their log does: the time decides which. */
function findLog({ logId, integratedTime }: LogEntry, { logs }: OmsTrustedRoot): TrustedLog {
  const named = logs.filter(({ id }) => id === logId)
  if (named.length === 0)
    throw omsError('OMS_LOG', 'the log is none of the trusted root', {
      expected: logs.map(({ id }) => id).join(' or '),
      found: logId,
    })
  const log = named.find((one) => isValidAt(one, integratedTime))
  if (log === undefined)
    throw omsError('OMS_LOG', 'the log is not trusted for the time of the entry', {
      expected: named.map(validityText).join(' or '),
      found: dateText(integratedTime),
    })
  return log
}

/** What Rekor signs when it takes an entry in: canonical JSON of these four members (sigstore/rekor, LogEntryAnon). */
function requireTimestamp(entry: LogEntry, publicKey: PublicKey): void {
  const { body, integratedTime, logId, logIndex, signedEntryTimestamp } = entry
  const promised = canonicalJson({ body: toBase64(body), integratedTime, logID: logId, logIndex })
  if (!isEcdsaSignature(publicKey, promised, signedEntryTimestamp, true))
    throw omsError('OMS_LOG', 'the log did not sign the time of the entry')
}

function requireInclusion({ body, inclusionProof }: LogEntry, log: TrustedLog, publicKey: PublicKey): void {
  const { index, treeSize, rootHash, hashes } = inclusionProof
  const note = parseNote(inclusionProof.checkpoint)
  if (!isNoteSignedBy(note, log, publicKey))
    throw omsError('OMS_LOG', 'the checkpoint is not signed by the log', {
      expected: `a signature of key ${log.checkpointKeyId.slice(0, 8)}`,
      found: note.signatures.map(({ keyId }) => toHex(keyId)).join(', '),
    })
  const { size, root } = parseCheckpoint(withoutExtensions(note.text))
  if (size !== treeSize || !equalBytes(root, rootHash))
    throw omsError('OMS_LOG', 'the checkpoint is of another tree than the proof', {
      expected: `${size} ${toHex(root)}`,
      found: `${treeSize} ${toHex(rootHash)}`,
    })
  verifyInclusion(leafHash(body), index, treeSize, hashes, rootHash)
}

/** Rekor wrote when it signed in a further line, which C2SP tlog-checkpoint leaves to logs; our own logs have none. */
function withoutExtensions(text: string): string {
  return text.split('\n').slice(0, 3).join('\n').concat('\n')
}

/** Signatures of keys that are not the log's, as those of witnesses, say nothing here. */
function isNoteSignedBy({ text, signatures }: Note, log: TrustedLog, publicKey: PublicKey): boolean {
  const hint = log.checkpointKeyId.slice(0, 8)
  return signatures.some(
    ({ keyId, signature }) =>
      toHex(keyId) === hint && isEcdsaSignature(publicKey, utf8(text), signature, true),
  )
}

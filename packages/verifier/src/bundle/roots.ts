import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES, rootSuccessionDecoder } from '@sotto/protocol/custody'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import type { ProvenStatement } from '@sotto/protocol/evidence'
import { decodeDocument, type Ed25519Key } from '@sotto/protocol/keyrelease'
import type { Checkpoint } from '@sotto/protocol/note'
import { Refusal } from '../checks/index.ts'
import { requireLogged } from './log-checks.ts'

/**
 * The root key that these successions lead to, from that of the genesis: each is signed by the key before it
 * and by its own, logged, and later in the log than the one before. None: the key of the genesis.
 * @throws Refusal, `DSSE_*`, `JCS_*`, `MERKLE_INCLUSION`
 */
export function followRoots(
  genesis: { digest: string; rootKey: Ed25519Key },
  successions: readonly ProvenStatement[] = [],
  checkpoint: Checkpoint,
): Ed25519Key {
  let rootKey = genesis.rootKey
  let after = -1
  for (const [n, proven] of successions.entries()) {
    const envelope = parseDsse(utf8(proven.envelope))
    const named = decodeDocument(envelope.payload, rootSuccessionDecoder, 'succession')
    const keys = [named.previousKey, named.rootKey].map(fromBase64Url)
    verifyDsse(envelope, CUSTODY_TYPES.rootSuccession, keys, 2)
    requireLogged(proven, checkpoint)
    if (named.genesis !== genesis.digest)
      throw new Refusal('a root succession is of another genesis', genesis.digest, named.genesis)
    if (named.previousKey !== rootKey || named.sequence !== n + 1 || proven.index <= after)
      throw new Refusal('root successions do not follow one another', `${n + 1}`, `${named.sequence}`)
    rootKey = named.rootKey
    after = proven.index
  }
  return rootKey
}

import { utf8 } from '@sotto/protocol/bytes'
import { rootSuccessionDecoder } from '@sotto/protocol/custody'
import { parseDsse } from '@sotto/protocol/dsse'
import { decodeDocument, type Ed25519Key, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { genesisOf } from '../identity/index.ts'
import type { KmsState } from '../state/index.ts'

/** The root key in force: that of the newest succession, or of the genesis. */
export function rootKeyOf({ identity, roots = [] }: KmsState): Ed25519Key {
  const newest = roots.at(-1)
  return newest === undefined ? genesisOf(identity!).rootKey : keyAfter(newest)
}

/** The root key in force when the log had `size` entries. */
export function rootKeyAt({ identity, roots = [] }: KmsState, size: number): Ed25519Key {
  const newest = roots.findLast(({ index }) => index < size)
  return newest === undefined ? genesisOf(identity!).rootKey : keyAfter(newest)
}

/** The key a succession of our own puts in force. */
export function keyAfter({ envelope }: Pick<LoggedStatement, 'envelope'>): Ed25519Key {
  const { payload } = parseDsse(utf8(envelope))
  return decodeDocument(payload, rootSuccessionDecoder, 'succession').rootKey
}

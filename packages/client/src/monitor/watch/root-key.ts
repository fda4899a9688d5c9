import type { Ed25519Key } from '@sotto/protocol/keyrelease'
import type { WatchState } from './state.ts'

/** The root key in force at this place of the log. */
export function rootKeyOf({ genesis, root }: WatchState): Ed25519Key | undefined {
  return root?.key ?? genesis?.document.rootKey
}

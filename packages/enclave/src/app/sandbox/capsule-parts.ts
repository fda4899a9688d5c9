import type { CapsuleKind } from '../../sandbox/kind.ts'

/** What is put into a capsule. */
export interface CapsuleContent {
  readonly uids: { readonly app: number; readonly bridge: number }
  /** An empty directory of this machine; the capsule's root is mounted over it, where nobody else sees it. */
  readonly stage: string
  /** The Node binary, which the app may use too. */
  readonly node: string
  /** Bytes of private memory each process of the app may have. */
  readonly memoryBytes: number
  /** Bridge and code; absent when a capsule is only looked at. */
  readonly program?: CapsuleProgram
}

/** Our own programs in a capsule, and what they are told. */
export interface CapsuleProgram {
  /** The folder they lie in with all that they import. */
  readonly folder: string
  /** Paths in it. */
  readonly bridge: string
  readonly unpack: string
  /** Bytes of the archive that descriptor 4 has. */
  readonly archiveBytes: number
  readonly port: number
  readonly apiPort: number
}

/** Who owns the folders of app and bridge, in the namespace where they are made. */
export function ownersIn({ as }: CapsuleKind, { uids }: CapsuleContent): CapsuleContent['uids'] {
  return as === 'root' ? uids : { app: 0, bridge: 0 }
}

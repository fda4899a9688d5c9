/** The programs that a capsule cannot do without. */
export type CapsulePrograms = Record<
  'setpriv' | 'unshare' | 'prlimit' | 'mount' | 'umount' | 'pivotRoot' | 'chroot' | 'nice' | 'shell',
  string
>

/** One way to make a capsule on this machine. */
export interface CapsuleKind {
  /** `root`: app and bridge have a uid each. `user`: they share the host's, in user namespaces of their own. */
  readonly as: 'root' | 'user'
  readonly programs: CapsulePrograms
  /** Words that bring up loopback. */
  readonly loopback: readonly string[]
  /** Words before the app's command by which a filter of system calls holds for it; none: it has none. */
  readonly filter: readonly string[]
}

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

import type { Programs } from './programs.ts'

/** The programs that a capsule cannot do without. */
export type CapsulePrograms = Record<
  'setpriv' | 'unshare' | 'prlimit' | 'mount' | 'umount' | 'pivotRoot' | 'chroot' | 'nice' | 'shell',
  string
>

/** One way to make a capsule on this machine. */
export interface CapsuleKind {
  /** `root`: ours and theirs have a uid each. `user`: they share the host's, in user namespaces of their own. */
  readonly as: 'root' | 'user'
  readonly programs: CapsulePrograms
  /** Words that bring up loopback. */
  readonly loopback: readonly string[]
  /** Words before a command by which a filter of system calls holds for it; none: it has none. */
  readonly filter: readonly string[]
}

/** What is added to its badness (proc(5)), of at most 1000: the kernel ends the worst first. */
export const OOM_SCORE = 900
/** Processors are for engines first (nice(1)): who is busy in a capsule takes what they leave. */
export const NICENESS = 10
/** Our own Node in a capsule: nothing opens an inspector in it, and it needs little. */
export const NODE_FLAGS: readonly string[] = [
  '--disable-sigusr1',
  '--no-warnings',
  '--max-old-space-size=256',
]

/** The programs a capsule needs; the names of those that are missing otherwise. */
export function capsulePrograms(programs: Programs): CapsulePrograms | string[] {
  const { setpriv, unshare, prlimit, mount, umount, pivotRoot, chroot, nice, shell } = programs
  const needed = { setpriv, unshare, prlimit, mount, umount, pivotRoot, chroot, nice, shell }
  const missing = Object.entries(needed).flatMap(([name, path]) => (path === undefined ? [name] : []))
  return missing.length > 0 ? missing : (needed as CapsulePrograms)
}

import { type CapsuleKind, NICENESS } from './kind.ts'

/**
 * The command that runs a shell script as the first process of namespaces of its own for network, processes, mounts and
 * IPC. All of it ends with the process this command becomes, and that one with the host. No core is left.
 * @param words `$@` of the script
 */
export function inNamespaces(kind: CapsuleKind, script: string, words: readonly string[]): string[] {
  const { prlimit, setpriv, unshare, shell } = kind.programs
  const dieWithHost = [setpriv, '--no-new-privs', '--inh-caps=-all', '--pdeathsig', 'KILL']
  return [
    prlimit,
    '--core=0:0',
    ...(kind.as === 'user' ? [unshare, '--user', '--map-root-user'] : []),
    ...dieWithHost,
    unshare,
    '--net',
    '--ipc',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    shell,
    '-euc',
    script,
    shell,
    ...words,
  ]
}

/** What whoever is in a capsule may have. */
export interface CapsuleLimits {
  /** Bytes of private memory of each process (RLIMIT_DATA). */
  readonly dataBytes: number
  /** Threads and processes together. */
  readonly processes: number
  /** Of each process. */
  readonly openFiles: number
}

/**
 * Words before a command that leaves processors to engines, has these limits, and is the first of processes of its own,
 * which end with it: it signals and sees no other, in a mount namespace whose `/root/proc` shows them.
 */
export function withOwnProcesses(
  { programs: { nice, prlimit, unshare } }: CapsuleKind,
  { dataBytes, processes, openFiles }: CapsuleLimits,
): string[] {
  return [
    nice,
    '-n',
    `${NICENESS}`,
    prlimit,
    `--data=${dataBytes}:${dataBytes}`,
    `--nproc=${processes}:${processes}`,
    `--nofile=${openFiles}:${openFiles}`,
    unshare,
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc=/root/proc',
  ]
}

/** Words before a program of ours: it has no capability left, not even where it is called root. */
export function withoutPrivilege({ as, programs: { setpriv } }: CapsuleKind, uid: number): string[] {
  const own = as === 'root' ? ownUid(uid) : []
  return [setpriv, ...own, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--pdeathsig', 'KILL']
}

/** What setpriv(1) is told for a uid and a group of the same number, and no other group. */
export function ownUid(uid: number): string[] {
  return ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups']
}

import type { CapsuleKind } from './kind.ts'

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

/** Words before a program of ours: it has no capability left, not even where it is called root. */
export function withoutPrivilege({ as, programs: { setpriv } }: CapsuleKind, uid: number): string[] {
  const own = as === 'root' ? ownUid(uid) : []
  return [setpriv, ...own, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--pdeathsig', 'KILL']
}

/** What setpriv(1) is told for a uid and a group of the same number, and no other group. */
export function ownUid(uid: number): string[] {
  return ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups']
}

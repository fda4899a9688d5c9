import type { Programs } from '../../sandbox/index.ts'
import type { CapsuleContent, CapsuleKind, CapsulePrograms } from './capsule-parts.ts'
import { capsuleScript } from './capsule-script.ts'

/** Threads and processes of an app, and files that each of them has open. */
const MAX_PROCESSES = 1024
const MAX_OPEN_FILES = 4096
/** Processors are for engines first (nice(1)): an app that is busy takes what they leave. */
const NICENESS = 10

/** The programs a capsule needs; the names of those that are missing otherwise. */
export function capsulePrograms(programs: Programs): CapsulePrograms | string[] {
  const { setpriv, unshare, prlimit, mount, umount, pivotRoot, chroot, nice, shell } = programs
  const needed = { setpriv, unshare, prlimit, mount, umount, pivotRoot, chroot, nice, shell }
  const missing = Object.entries(needed).flatMap(([name, path]) => (path === undefined ? [name] : []))
  return missing.length > 0 ? missing : (needed as CapsulePrograms)
}

/**
 * The command of one capsule: namespaces of its own for network, processes, mounts and IPC; in them a root with the system's
 * programs and nothing else of this machine, our bridge, and, one layer further in, the app. All of it ends with the
 * process this command becomes, and that one with the host. Its standard input is, first, a line that lets the app begin,
 * then the script that becomes the app (`environment.ts`), whose `$@` is `command`.
 */
export function capsuleCommand(
  kind: CapsuleKind,
  content: CapsuleContent,
  command: readonly string[],
): string[] {
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
    capsuleScript(kind, content, becomeBridge(kind, content), becomeApp(kind, content)),
    shell,
    ...command,
  ]
}

/** The bridge has no capability left, not even where it is called root. */
function becomeBridge({ as, programs: { setpriv } }: CapsuleKind, { uids }: CapsuleContent): string[] {
  const uid = as === 'root' ? ownUid(uids.bridge) : []
  return [setpriv, ...uid, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--pdeathsig', 'KILL']
}

/**
 * Processes of its own only, so that it cannot signal the bridge where both have one uid. The root is one of chroot(2) in a
 * mount namespace whose own root is another: the kernel gives a process in there no user namespace, and so no way to
 * capabilities that would let it out.
 */
function becomeApp({ as, programs, filter }: CapsuleKind, { uids, memoryBytes }: CapsuleContent): string[] {
  const { nice, prlimit, unshare, chroot, setpriv, shell } = programs
  const drop = ['--no-new-privs', '--inh-caps=-all', '--pdeathsig', 'KILL']
  const enter =
    as === 'root'
      ? [chroot, '/root', setpriv, ...ownUid(uids.app), '--bounding-set=-all', ...drop]
      : [
          unshare,
          '--user',
          `--map-user=${uids.app}`,
          `--map-group=${uids.app}`,
          '--root=/root',
          setpriv,
          ...drop,
        ]
  return [
    nice,
    '-n',
    `${NICENESS}`,
    prlimit,
    `--data=${memoryBytes}:${memoryBytes}`,
    `--nproc=${MAX_PROCESSES}:${MAX_PROCESSES}`,
    `--nofile=${MAX_OPEN_FILES}:${MAX_OPEN_FILES}`,
    unshare,
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc=/root/proc',
    ...enter,
    ...filter,
    shell,
    '-s',
    '--',
  ]
}

function ownUid(uid: number): string[] {
  return ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups']
}

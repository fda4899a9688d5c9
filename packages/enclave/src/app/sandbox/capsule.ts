import type { CapsuleKind } from '../../sandbox/kind.ts'
import { inNamespaces, ownUid, withOwnProcesses, withoutPrivilege } from '../../sandbox/namespaces.ts'
import type { CapsuleContent } from './capsule-parts.ts'
import { capsuleScript } from './capsule-script.ts'

/** Threads and processes of an app, and files that each of them has open. */
const MAX_PROCESSES = 1024
const MAX_OPEN_FILES = 4096

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
  const becomeBridge = withoutPrivilege(kind, content.uids.bridge)
  return inNamespaces(kind, capsuleScript(kind, content, becomeBridge, becomeApp(kind, content)), command)
}

/**
 * Processes of its own only, so that it cannot signal the bridge where both have one uid. The root is one of chroot(2) in a
 * mount namespace whose own root is another: the kernel gives a process in there no user namespace, and so no way to
 * capabilities that would let it out.
 */
function becomeApp(kind: CapsuleKind, { uids, memoryBytes }: CapsuleContent): string[] {
  const { as, programs, filter } = kind
  const { unshare, chroot, setpriv, shell } = programs
  const limits = { dataBytes: memoryBytes, processes: MAX_PROCESSES, openFiles: MAX_OPEN_FILES }
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
  return [...withOwnProcesses(kind, limits), ...enter, ...filter, shell, '-s', '--']
}

import { ARCHIVE_DESCRIPTOR, READY_DESCRIPTOR } from '../../sandbox/descriptors.ts'
import { type CapsuleKind, NODE_FLAGS, OOM_SCORE } from '../../sandbox/kind.ts'
import { ROOT_OPTIONS, rootFunctions } from '../../sandbox/system-root.ts'
import { quote, quoteAll } from '../../sandbox/words.ts'
import { MAX_FILES, MAX_FOLDERS } from '../limits.ts'
import { type CapsuleContent, ownersIn } from './capsule-parts.ts'

/** Memory of all files that an app keeps, in `/tmp`. */
export const TEMPORARY_BYTES: number = 256 * 2 ** 20
const TEMPORARY_FILES = 16_384
/** Of an archive, and the folder it is unpacked in. */
const UNPACKED_INODES = MAX_FILES + MAX_FOLDERS + 16
/** What whole pages cost beyond the bytes of the largest number of files. */
const UNPACKED_SLACK_BYTES = 96 * 2 ** 20

/**
 * Runs as the first process of the capsule's namespaces, and waits there for the app. `"$@"` is the app's command. While it
 * sees the machine's processes it tells the host its number among them. What it mounts is seen in these namespaces alone and is memory, or the system's programs, which nobody can write.
 */
export function capsuleScript(
  kind: CapsuleKind,
  content: CapsuleContent,
  becomeBridge: readonly string[],
  becomeApp: readonly string[],
): string {
  const { mount, umount, pivotRoot } = kind.programs
  const owner = ownersIn(kind, content)
  const { program, uids } = content
  return `
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
echo ${OOM_SCORE} > /proc/self/oom_score_adj || :
${program ? `read -r self rest < /proc/self/stat; echo "$self" >&${READY_DESCRIPTOR}` : ':'}
exec 5<&0 </dev/null
${quoteAll(kind.loopback)}
${rootFunctions(kind)}
memory ${ROOT_OPTIONS} ${quote(content.stage)}
cd ${quote(content.stage)}
mkdir link root old etc
show_system .
memory mode=0700,uid=${owner.bridge},gid=${owner.bridge},size=64k,nr_inodes=64 link
${program ? `show ${quote(program.folder)} ./image` : ':'}
show ${quote(content.node)} ./node
memory ${ROOT_OPTIONS} root
mkdir root/app root/tmp root/etc
show_system root
show ${quote(content.node)} root/opt/node/bin/node
memory mode=0700,uid=${owner.app},gid=${owner.app},size=${TEMPORARY_BYTES},nr_inodes=${TEMPORARY_FILES} root/tmp
link_devices root
echo 'app:x:${uids.app}:${uids.app}::/tmp:/bin/sh' > root/etc/passwd
echo 'app:x:${uids.app}:' > root/etc/group
printf '127.0.0.1 localhost\\n::1 localhost\\n' > root/etc/hosts
echo 'hosts: files' > root/etc/nsswitch.conf
${quote(mount)} -t proc -o nosuid,nodev,noexec proc proc
${quote(pivotRoot)} . old
cd /
${quote(umount)} -l old
rmdir old
${program ? unpackAndBridge(content, becomeBridge, owner.bridge, mount) : ''}
${quote(mount)} -o remount,bind,ro /root
${quote(mount)} -o remount,bind,ro /
exec ${READY_DESCRIPTOR}>&- ${ARCHIVE_DESCRIPTOR}<&-
read -r go <&5
${quoteAll(becomeApp)} "$@" <&5 5<&- &
app=$!
exec 5<&-
wait "$app" && exit 0 || exit $?
`
}

/** The archive is read without any privilege: whoever packed it chose its bytes. */
function unpackAndBridge(
  { program }: CapsuleContent,
  becomeBridge: readonly string[],
  owner: number,
  mount: string,
): string {
  const { archiveBytes, bridge, unpack, port, apiPort } = program!
  const node = [...becomeBridge, '/node', ...NODE_FLAGS]
  const size = archiveBytes + UNPACKED_SLACK_BYTES
  return `
memory mode=0755,uid=${owner},gid=${owner},size=${size},nr_inodes=${UNPACKED_INODES} /root/app
${quoteAll([...node, `/image/${unpack}`, '/root/app'])} ${READY_DESCRIPTOR}>&- 5<&-
${quote(mount)} -o remount,bind,ro /root/app
${quoteAll([...node, `/image/${bridge}`, '/link', `${port}`, `${apiPort}`])} ${ARCHIVE_DESCRIPTOR}<&- 5<&- &
`
}

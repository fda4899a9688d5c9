import type { Programs } from '../../sandbox/index.ts'
import { ARCHIVE_DESCRIPTOR, READY_DESCRIPTOR } from '../../sandbox/descriptors.ts'
import { type CapsuleKind, NODE_FLAGS, OOM_SCORE } from '../../sandbox/kind.ts'
import { inNamespaces, withOwnProcesses, withoutPrivilege } from '../../sandbox/namespaces.ts'
import { ROOT_OPTIONS, rootFunctions } from '../../sandbox/system-root.ts'
import { quote, quoteAll } from '../../sandbox/words.ts'
import { enterImage } from './enter.ts'
import { MAX_IMAGE_ENTRIES, MAX_OPEN_FILES, MAX_PROCESSES } from './limits.ts'
import type { UnpackPlan } from './unpack/unpack-image.ts'

/** What is put into the capsule of a job. */
export interface JobContent {
  readonly uids: { readonly job: number; readonly unpack: number }
  /** An empty directory of this machine; the capsule's root is mounted over it, where nobody else sees it. */
  readonly stage: string
  readonly node: string
  /** The folder of our program, and its path in it. */
  readonly program: { readonly folder: string; readonly unpack: string }
  readonly plan: UnpackPlan
  /** Bytes that the job may have. */
  readonly memoryBytes: number
  /** Bytes and files that may be in `/in`. */
  readonly inputs: { readonly bytes: number; readonly files: number }
  /** Bytes that may be in `/out`. */
  readonly outputBytes: number
}

const TEMPORARY_FILES = 16_384
const OUTPUT_FILES = 1024
/** What whole pages cost beyond the bytes of the largest number of files. */
const PAGE_BYTES = 4096
/** The interpreter that becomes the job needs so much before it does. What is less is seen, see `memory-watch.ts`. */
const MIN_DATA_BYTES = 64 * 2 ** 20

/**
 * The command of the capsule of one job: namespaces of its own for network, processes, mounts and IPC, without a single
 * interface that is up; in them the image in memory, unpacked by a program without any privilege, and the job with it as
 * its root. On {@link READY_DESCRIPTOR} it says the number of its first process, then `unpacked` or what is wrong with the
 * image, `begun`, and at last `ended 0` or `ended 1`. Its standard input is a line that lets the job begin, then the document of
 * `enter.ts`. All of it ends with the process this command becomes, and that one with the host.
 *
 * @returns undefined where no interpreter can become the job
 */
export function jobCommand(kind: CapsuleKind, content: JobContent, programs: Programs): string[] | undefined {
  const becomeJob = jobWords(kind, content, programs)
  return becomeJob && inNamespaces(kind, script(kind, content, becomeJob), [])
}

/** The job is the first process of its own processes, below a root of chroot(2) as an app's is (`app/sandbox/capsule.ts`). */
function jobWords(kind: CapsuleKind, content: JobContent, programs: Programs): string[] | undefined {
  const { unshare, setpriv } = kind.programs
  const { uids, plan } = content
  const limits = {
    dataBytes: Math.max(content.memoryBytes, MIN_DATA_BYTES),
    processes: MAX_PROCESSES,
    openFiles: MAX_OPEN_FILES,
  }
  const isRoot = kind.as === 'root'
  const enter = enterImage(programs, {
    root: '/root',
    folder: plan.workingDirectory,
    uid: isRoot ? uids.job : 0,
  })
  if (enter === undefined) return undefined
  return [
    ...withOwnProcesses(kind, limits),
    ...(isRoot
      ? [setpriv, '--inh-caps=-all', '--bounding-set=-all,+sys_chroot,+setgid,+setuid']
      : [unshare, '--user', `--map-user=${uids.job}`, `--map-group=${uids.job}`, '--keep-caps']),
    ...kind.filter,
    ...enter,
  ]
}

/** When the image is unpacked, nothing is left of what unpacked it, whatever it had become. */
function script(kind: CapsuleKind, content: JobContent, becomeJob: readonly string[]): string {
  const { mount, umount, pivotRoot } = kind.programs
  const { stage, node, program, plan, memoryBytes, inputs, outputBytes } = content
  const owner = kind.as === 'root' ? content.uids : { job: 0, unpack: 0 }
  const unpack = [
    ...withoutPrivilege(kind, content.uids.unpack),
    '/node',
    ...NODE_FLAGS,
    `/image/${program.unpack}`,
    '/root',
    JSON.stringify(plan),
  ]
  const ofJob = `mode=0700,uid=${owner.job},gid=${owner.job}`
  const ofUnpack = `mode=0755,uid=${owner.unpack},gid=${owner.unpack}`
  const imageBytes = plan.maxBytes + PAGE_BYTES * MAX_IMAGE_ENTRIES
  return `
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
echo ${OOM_SCORE} > /proc/self/oom_score_adj || :
read -r self rest < /proc/self/stat
echo "$self" >&${READY_DESCRIPTOR}
exec 5<&0 </dev/null
${rootFunctions(kind)}
memory ${ROOT_OPTIONS} ${quote(stage)}
cd ${quote(stage)}
mkdir root old etc
show_system .
show ${quote(program.folder)} ./image
show ${quote(node)} ./node
memory ${ofUnpack},size=${imageBytes},nr_inodes=${2 * MAX_IMAGE_ENTRIES} root
${quote(mount)} -t proc -o nosuid,nodev,noexec proc proc
${quote(pivotRoot)} . old
cd /
${quote(umount)} -l old
rmdir old
${quoteAll(unpack)} 5<&-
kill -KILL -1 2>/dev/null || :
exec ${ARCHIVE_DESCRIPTOR}<&-
memory mode=0755,size=64k,nr_inodes=64 /root/dev
show_devices /root
link_devices /root
memory ${ofJob},size=${memoryBytes},nr_inodes=${TEMPORARY_FILES} /root/tmp
memory ${ofJob},size=${outputBytes},nr_inodes=${OUTPUT_FILES} /root/out
memory mode=0755,size=${inputs.bytes},nr_inodes=${inputs.files} /root/in
echo unpacked >&${READY_DESCRIPTOR}
read -r go <&5
for place in /root/in /root/dev /root /; do ${quote(mount)} -o remount,bind,ro "$place"; done
echo begun >&${READY_DESCRIPTOR}
${quoteAll(becomeJob)} <&5 5<&- ${READY_DESCRIPTOR}>&- && ended=0 || ended=1
echo "ended $ended" >&${READY_DESCRIPTOR}
read -r over <&${READY_DESCRIPTOR} || :
`
}

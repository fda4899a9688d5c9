import { execFile } from 'node:child_process'
import { readlinkSync, realpathSync } from 'node:fs'
import { availablePrograms, codeRoot, coversOf, type Programs } from '../../sandbox/index.ts'

/** How an engine process is kept apart from the rest, as observed on this machine before the first model loads. */
export interface SandboxReport {
  /** `own`: a uid that owns nothing and that no other engine has. */
  readonly uid: 'own' | 'shared'
  /** `none`: a network namespace without any interface that is up. */
  readonly network: 'none' | 'shared'
  /** No set-uid program can give it anything back. */
  readonly noNewPrivs: boolean
  /** In a user namespace of its own: it cannot ptrace the host even when they share a uid. */
  readonly userNamespace: boolean
  /** `none`: RLIMIT_FSIZE is 0, it cannot write one byte to a file. */
  readonly fileWrites: 'none' | 'possible'
  /** The kernel kills it when the host dies, even while it computes. */
  readonly diesWithHost: boolean
  /** uid, network and no_new_privs are all at their best. */
  readonly full: boolean
  /** Why it is not full; empty when it is. */
  readonly reasons: readonly string[]
}

/** A way to start an engine process, and what it was seen to give. */
export interface Sandbox {
  readonly report: SandboxReport
  /** The command words to put before `node engine.js`. `emptyDirectory` is the working directory of the engine. */
  prefix(uid: number, emptyDirectory: string): string[]
}

/** What the probe starts from. */
export interface ProbeOptions {
  /** The engine's entry file. */
  readonly entry: string
  /** The folder an engine may see of what lies around its entry. Default: where its dependencies are. */
  readonly image?: string
  /** The Node binary. Default `process.execPath`. */
  readonly execPath?: string
  /** A program that engines start. Their uid has to be able to read and execute it. */
  readonly server?: string
  /** A uid to try; see `uids.ts`. */
  readonly uid: number
  readonly emptyDirectory: string
  /** Default `process.getuid()`. Tests pass another to see what an ordinary user gets. */
  readonly hostUid?: number
}

type Build = (uid: number, emptyDirectory: string) => string[]

const DROP = ['--no-new-privs', '--inh-caps=-all', '--pdeathsig', 'KILL']
const USER_NAMESPACE = ['--user', '--map-current-user', '--net', '--ipc']
const BECOME = (uid: number): string[] => ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups']

/**
 * Finds the strictest way this machine can start an engine, by trying: each candidate is run and looked at from
 * inside (`/proc/self/status`, its network namespace, whether it can read the program). Takes some 10 ms per try.
 */
export async function probeSandbox(options: ProbeOptions): Promise<Sandbox> {
  const programs = availablePrograms()
  const hostUid = options.hostUid ?? process.getuid?.() ?? -1
  const paths = [
    realpathSync(options.entry),
    ...[options.execPath ?? process.execPath, ...(options.server === undefined ? [] : [options.server])].map(
      (path) => realpathSync(path),
    ),
  ]
  const reasons: string[] = []
  const image = options.image ?? codeRoot(paths[0]!)
  for (const candidate of candidates(programs, hostUid === 0, paths, image)) {
    const seen = await observe(candidate.build(options.uid, options.emptyDirectory), paths, hostUid)
    if (typeof seen === 'string') {
      reasons.push(`${candidate.name}: ${seen}`)
      continue
    }
    const full = seen.uid === 'own' && seen.network === 'none' && seen.noNewPrivs
    if (seen.uid === 'shared' && hostUid !== 0) reasons.push('the host is not root: engines share its uid')
    return { report: { ...seen, full, reasons: full ? [] : reasons }, prefix: candidate.build }
  }
  const report: SandboxReport = {
    uid: 'shared',
    network: 'shared',
    noNewPrivs: false,
    userNamespace: false,
    fileWrites: 'possible',
    diesWithHost: false,
    full: false,
    reasons,
  }
  return { report, prefix: () => [] }
}

/** From the strictest to the weakest; each is a chain of util-linux programs that replace each other by exec. */
function candidates(
  programs: Programs,
  root: boolean,
  paths: readonly string[],
  image: string,
): { name: string; build: Build }[] {
  const { setpriv, unshare, prlimit, shell, mount } = programs
  const limits = prlimit ? [prlimit, '--core=0:0', '--fsize=0:0'] : []
  const found: { name: string; build: Build }[] = []
  if (!setpriv) return found
  if (root && unshare) {
    const become: Build = (uid) => [setpriv, ...BECOME(uid), ...DROP, '--bounding-set=-all']
    found.push({
      name: 'own uid, no network',
      build: (uid, empty) => [...limits, unshare, '--net', '--ipc', ...become(uid, empty)],
    })
    const covers = coversOf(paths)
    if (covers.length > 0 && shell && mount) {
      const roots = [...new Set([image, ...paths.slice(1)])]
      found.push({
        name: 'own uid, no network, program mounted where that uid can read it',
        build: (uid, empty) => [
          ...limits,
          unshare,
          '--net',
          '--ipc',
          '--mount',
          shell,
          '-euc',
          COVER,
          mount,
          empty,
          `${covers.length}`,
          ...covers,
          `${roots.length}`,
          ...roots,
          ...become(uid, empty),
        ],
      })
    }
    found.push({
      name: 'own uid, no network by a user namespace',
      build: (uid) => [...limits, setpriv, ...BECOME(uid), unshare, ...USER_NAMESPACE, setpriv, ...DROP],
    })
  }
  if (unshare) {
    found.push({
      name: 'user namespace, no network',
      build: () => [...limits, unshare, ...USER_NAMESPACE, setpriv, ...DROP],
    })
  }
  if (root) {
    if (unshare)
      found.push({
        name: 'root without capabilities, no network',
        build: () => [...limits, unshare, '--net', '--ipc', setpriv, ...DROP, '--bounding-set=-all'],
      })
    found.push({
      name: 'own uid',
      build: (uid) => [...limits, setpriv, ...BECOME(uid), ...DROP, '--bounding-set=-all'],
    })
  }
  found.push({ name: 'no new privileges', build: () => [...limits, setpriv, ...DROP] })
  return found
}

/**
 * As root, in a mount namespace of its own: when the program lies under a directory closed to other uids (a 0700
 * home), covers that directory with an empty one in which only the program shows. `$0` is mount(8), `$1` an empty
 * directory to stage in; then counted lists of what to cover and of what to show; the rest is the next command.
 */
const COVER = `
mount=$0; stage=$1; shift
"$mount" -t tmpfs -o mode=0700,size=64k none "$stage"
covers=$1; shift; n=0
while [ $n -lt "$covers" ]; do n=$((n+1)); eval "cover$n=\\$1"; shift; done
roots=$1; shift; n=0
while [ $n -lt "$roots" ]; do n=$((n+1)); eval "root$n=\\$1"
  if [ -d "$1" ]; then mkdir "$stage/$n"; else : > "$stage/$n"; fi
  "$mount" --rbind "$1" "$stage/$n"; shift; done
n=0
while [ $n -lt "$covers" ]; do n=$((n+1)); eval "at=\\$cover$n"; "$mount" -t tmpfs -o mode=0755,size=64k none "$at"; done
n=0
while [ $n -lt "$roots" ]; do n=$((n+1)); eval "at=\\$root$n"
  [ "$at" -ef "$stage/$n" ] && continue
  if [ -d "$stage/$n" ]; then mkdir -p "$at"; else mkdir -p "\${at%/*}"; [ -e "$at" ] || : > "$at"; fi
  "$mount" --rbind "$stage/$n" "$at"; done
unset PWD OLDPWD
exec "$@"
`

const LOOK = `
[ -r "$0" ] || { echo unreadable; exit 3; }
for program; do [ -x "$program" ] || { echo unreadable; exit 3; }; done
readlink /proc/self/ns/net; readlink /proc/self/ns/user
while read -r line; do case "$line" in Uid:*|NoNewPrivs:*) echo "$line";; esac; done < /proc/self/status
ulimit -f
`

type Observation = Omit<SandboxReport, 'full' | 'reasons'>

async function observe(
  prefix: string[],
  paths: readonly string[],
  hostUid: number,
): Promise<Observation | string> {
  const [command, ...words] = [...prefix, '/bin/sh', '-c', LOOK, ...paths]
  const output = await new Promise<string | Error>((resolve) => {
    execFile(command!, words, { env: {}, cwd: '/', timeout: 5000, maxBuffer: 16384 }, (error, stdout) => {
      resolve(stdout.includes('unreadable') || !error ? stdout : error)
    })
  })
  if (output instanceof Error) return 'not permitted here'
  if (output.includes('unreadable'))
    return 'the uid of the engine cannot read the program; install it where every user can read it'
  const [network, user, ...status] = output.trim().split('\n')
  const uid = Number(/^Uid:\s+(\d+)/m.exec(status.join('\n'))?.[1])
  return {
    uid: uid !== hostUid && uid > 0 ? 'own' : 'shared',
    network: network === ownNamespace('net') ? 'shared' : 'none',
    noNewPrivs: /^NoNewPrivs:\s+1/m.test(status.join('\n')),
    userNamespace: user !== ownNamespace('user'),
    fileWrites: status.at(-1) === '0' ? 'none' : 'possible',
    diesWithHost: prefix.includes('--pdeathsig'),
  }
}

function ownNamespace(kind: 'net' | 'user'): string {
  return readlinkSync(`/proc/self/ns/${kind}`)
}

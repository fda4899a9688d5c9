import { REFUSES_SOCKETS } from '../../sandbox/kernel-calls.ts'
import { OOM_SCORE } from '../../sandbox/kind.ts'
import { quoteAll } from '../../sandbox/words.ts'

/** What was seen from inside. The rest of what an app is promised was seen too, or there would be no observation. */
export interface Observation {
  /** `own`: app and bridge each have a uid that owns nothing and that nobody else has. */
  readonly uid: 'own' | 'shared'
  /** `filtered`: sockets of the families that a network namespace confines, and no others. */
  readonly sockets: 'filtered' | 'all'
  /** `first`: when memory runs out the kernel ends the app before others, and the app cannot change that. */
  readonly memory: 'first' | 'any'
}

/** Namespaces an app shares with nobody but, for the network, its bridge. */
const NAMESPACES = ['net', 'pid', 'mnt', 'ipc'] as const

/** Of the machine; none of them may be there, but `/app`, which nobody may write. */
const HIDDEN = ['/run', '/var', '/home', '/root', '/srv', '/sys', '/mnt', '/image', '/link', '/old']

/**
 * Runs in place of an app, and prints lines of `name value`. What owns devices or may set up the kernel has the uid of root,
 * which without any capability is still obeyed by files. An interface that is up is a member of groups, or has addresses or
 * routes; those of tunnels that the kernel puts into every namespace are down.
 * @param tryRefused a command that tries what a filter of sockets refuses; none: there is none
 */
export function lookScript(tryRefused: readonly string[]): string {
  return `
for name in ${NAMESPACES.join(' ')} user; do echo "$name $(readlink /proc/self/ns/$name)"; done
while read -r name value rest; do
  case "$name" in Uid:|NoNewPrivs:|CapInh:|CapPrm:|CapEff:|CapAmb:) echo "$name $value";; esac
done < /proc/self/status
if [ -r /proc/net/igmp ]; then
  while read -r index name rest; do
    case "$index" in *[!0-9]*|????????) ;; *) echo "up \${name%:}";; esac
  done < /proc/net/igmp
  [ -r /proc/net/if_inet6 ] &&
    while read -r address index prefix scope flags name; do echo "up $name"; done < /proc/net/if_inet6
  [ -r /proc/net/route ] &&
    while read -r name rest; do [ "$name" = Iface ] || echo "up $name"; done < /proc/net/route
else
  while read -r name rest; do case "$name" in *:*) echo "up \${name%%:*}";; esac; done < /proc/net/dev
fi
for name in ${HIDDEN.join(' ')}; do [ -e "$name" ] && echo "sees $name"; done
for name in / /app /etc /usr /dev; do ( : > "$name/.look" ) 2>/dev/null && echo "writes $name"; done
for name in /dev/null /usr; do [ -O "$name" ] && echo "owns $name"; done
[ -w /proc/sys/kernel/core_pattern ] && echo 'writes /proc/sys'
( : > /tmp/.look ) && echo "keeps /tmp"
[ -x /opt/node/bin/node ] && echo 'runs node'
read -r score < /proc/self/oom_score_adj
( echo "$((score - 1))" > /proc/self/oom_score_adj ) 2>/dev/null && score=0
echo "oom $score"
${quoteAll(tryRefused)}
exit 0
`
}

/**
 * Judges what {@link lookScript} printed: an observation, or what is wrong with this way to confine an app.
 * @param ownNamespace the namespaces of this process, as `/proc/self/ns` names them
 */
export function judgeLook(
  output: string,
  ownNamespace: (name: string) => string,
  hostUid: number = process.getuid?.() ?? -1,
): Observation | string {
  const lines = output.trim().split('\n')
  const valueOf = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1)
  const shared = NAMESPACES.find(
    (name) => (valueOf(name) ?? '') === '' || valueOf(name) === ownNamespace(name),
  )
  if (shared !== undefined) return `it has no ${shared} namespace of its own`
  const capability = ['CapInh:', 'CapPrm:', 'CapEff:', 'CapAmb:'].find(
    (name) => !/^0+$/.test(valueOf(name) ?? ''),
  )
  if (capability !== undefined) return 'it has capabilities'
  if (valueOf('NoNewPrivs:') !== '1') return 'it may get privileges'
  const up = lines.filter((line) => line.startsWith('up ')).map((line) => line.slice('up '.length))
  const other = up.find((name) => name !== 'lo')
  if (other !== undefined) return `it has another interface than loopback: ${other}`
  if (!up.includes('lo')) return 'it has no loopback'
  const unwanted = lines.find((line) => /^(?:sees|writes|owns) /.test(line))
  if (unwanted !== undefined) return `it ${unwanted}`
  if (!lines.includes('keeps /tmp')) return 'it cannot write to its /tmp'
  if (!lines.includes('runs node')) return 'it cannot execute Node'
  const uid = Number(valueOf('Uid:') ?? Number.NaN)
  const hasOwnUid = valueOf('user') === ownNamespace('user') && uid > 0 && uid !== hostUid
  return {
    uid: hasOwnUid ? 'own' : 'shared',
    sockets: lines.includes(REFUSES_SOCKETS) ? 'filtered' : 'all',
    memory: Number(valueOf('oom')) >= OOM_SCORE ? 'first' : 'any',
  }
}

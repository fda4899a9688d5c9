/** What was seen from inside. The rest of what an app is promised was seen too, or there would be no observation. */
export interface Observation {
  /** `own`: app and bridge each have a uid that owns nothing and that nobody else has. */
  readonly uid: 'own' | 'shared'
  /** `filtered`: sockets of the families that a network namespace confines, and no others. */
  readonly sockets: 'filtered' | 'all'
}

/** Namespaces an app shares with nobody but, for the network, its bridge. */
const NAMESPACES = ['net', 'pid', 'mnt', 'ipc'] as const

/** Of the machine; none of them may be there, but `/app`, which nobody may write. */
const HIDDEN = ['/run', '/var', '/home', '/root', '/srv', '/sys', '/mnt', '/image', '/link', '/old']

/**
 * Runs in place of an app, and prints lines of `name value`. What owns devices or may set up the kernel has the uid of root, which without any
 * capability is still obeyed by files.
 */
export const LOOK: string = `
for name in ${NAMESPACES.join(' ')} user; do echo "$name $(readlink /proc/self/ns/$name)"; done
while read -r name value rest; do
  case "$name" in Uid:|NoNewPrivs:|Seccomp:|CapInh:|CapPrm:|CapEff:|CapAmb:) echo "$name $value";; esac
done < /proc/self/status
while read -r name rest; do case "$name" in *:*) echo "interface $name";; esac; done < /proc/net/dev
for name in ${HIDDEN.join(' ')}; do [ -e "$name" ] && echo "sees $name"; done
for name in / /app /etc /usr /dev; do ( : > "$name/.look" ) 2>/dev/null && echo "writes $name"; done
for name in /dev/null /usr; do [ -O "$name" ] && echo "owns $name"; done
[ -w /proc/sys/kernel/core_pattern ] && echo 'writes /proc/sys'
( : > /tmp/.look ) && echo "keeps /tmp"
[ -x /opt/node/bin/node ] && echo 'runs node'
exit 0
`

/**
 * Judges what {@link LOOK} printed: an observation, or what is wrong with this way to confine an app.
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
  const other = lines.find((line) => line.startsWith('interface ') && line !== 'interface lo:')
  if (other !== undefined || !lines.includes('interface lo:')) return 'it has other interfaces than loopback'
  const unwanted = lines.find((line) => /^(?:sees|writes|owns) /.test(line))
  if (unwanted !== undefined) return `it ${unwanted}`
  if (!lines.includes('keeps /tmp')) return 'it cannot write to its /tmp'
  if (!lines.includes('runs node')) return 'it cannot execute Node'
  const uid = Number(valueOf('Uid:') ?? Number.NaN)
  const hasOwnUid = valueOf('user') === ownNamespace('user') && uid > 0 && uid !== hostUid
  return { uid: hasOwnUid ? 'own' : 'shared', sockets: valueOf('Seccomp:') === '2' ? 'filtered' : 'all' }
}

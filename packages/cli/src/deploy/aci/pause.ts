/**
 * Capabilities that containers of Confidential ACI have unless a template drops them (`default_unprivileged_capabilities`
 * of the azure-cli extension confcom).
 */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
]

/** Root hash of the only layer of Microsoft's `pause`, which every group starts first. */
const PAUSE_LAYER = '16b514057a06ad665f92c02863aca074fd5976c755d26bff16365299169e8415'

const ANYBODY = { pattern: '', strategy: 'any' }

/** What the policy says of `pause`, which holds the namespaces of a group (confcom, `default_containers`; no output). */
export const PAUSE_CONTAINER = {
  allow_elevated: false,
  allow_stdio_access: false,
  capabilities: {
    ambient: [] as readonly string[],
    bounding: DEFAULT_CAPABILITIES,
    effective: DEFAULT_CAPABILITIES,
    inheritable: [] as readonly string[],
    permitted: DEFAULT_CAPABILITIES,
  },
  command: ['/pause'] as readonly string[],
  env_rules: [
    {
      pattern: 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      required: true,
      strategy: 'string',
    },
    { pattern: 'TERM=xterm', required: false, strategy: 'string' },
  ],
  exec_processes: [] as readonly never[],
  layers: [PAUSE_LAYER] as readonly string[],
  mounts: [] as readonly never[],
  no_new_privileges: false,
  seccomp_profile_sha256: '',
  signals: [] as readonly number[],
  user: { group_idnames: [ANYBODY], umask: '0022', user_idname: ANYBODY },
  working_dir: '/',
}

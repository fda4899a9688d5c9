import { accessSync, constants } from 'node:fs'

/** Names of the programs by what they are called here. */
const NAMES = {
  setpriv: 'setpriv',
  unshare: 'unshare',
  prlimit: 'prlimit',
  mount: 'mount',
  umount: 'umount',
  pivotRoot: 'pivot_root',
  chroot: 'chroot',
  nice: 'nice',
  shell: 'sh',
  ip: 'ip',
  perl: 'perl',
  python: 'python3',
} as const

/**
 * Absolute paths of the system programs sandboxes are built from (util-linux, mount, coreutils, and one that can call the
 * kernel); absent ones are undefined.
 */
export type Programs = Readonly<Record<keyof typeof NAMES, string | undefined>>

/** Looks in the system directories only, never in PATH: whoever sets PATH does not choose what runs as root. */
export function availablePrograms(): Programs {
  const found = Object.entries(NAMES).map(([name, file]) => [name, find(file)])
  return Object.fromEntries(found) as Record<keyof typeof NAMES, string | undefined>
}

function find(name: string): string | undefined {
  for (const directory of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK)
      return `${directory}/${name}`
    } catch {
      // Not in this directory.
    }
  }
  return undefined
}

import { accessSync, constants } from 'node:fs'

/** Absolute paths of the system programs the sandbox is built from (util-linux, mount); absent ones are undefined. */
export interface Programs {
  readonly setpriv: string | undefined
  readonly unshare: string | undefined
  readonly prlimit: string | undefined
  readonly mount: string | undefined
  readonly shell: string | undefined
}

/** Looks in the system directories only, never in PATH: whoever sets PATH does not choose what runs as root. */
export function availablePrograms(): Programs {
  return {
    setpriv: find('setpriv'),
    unshare: find('unshare'),
    prlimit: find('prlimit'),
    mount: find('mount'),
    shell: find('sh'),
  }
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

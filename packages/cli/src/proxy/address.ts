import { cliError } from '../errors.ts'

/** Where something listens. */
export interface Address {
  host: string
  port: number
}

/** A port, a host with a port, or `[::1]:9090`. */
const ADDRESS = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):)?(\d{1,5})$/

/** The address of a flag: `9090` is on this machine only, `0.0.0.0:9090` is everywhere. @throws `CLI_USAGE` */
export function parseAddress(flag: string, text: string): Address {
  const [, v6, name = '', digits = ''] = ADDRESS.exec(text) ?? []
  const port = digits === '' ? Number.NaN : Number(digits)
  if (port <= 65_535) return { host: v6 ?? (name === '' ? '127.0.0.1' : name), port }
  throw cliError('CLI_USAGE', `--${flag} takes a port, or an address with a port`, {
    expected: '9090, 127.0.0.1:9090 or [::1]:9090',
    found: text,
  })
}

import { isIPv6 } from 'node:net'

const peers = new WeakMap<Request, string>()

/** IPv4 in an address of a socket that listens for both (RFC 4291 Section 2.5.5.2). */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Groups of sixteen bits that a provider gives to one customer at least: a /64 (RFC 6177). */
const NETWORK_GROUPS = 4
const GROUPS = 8

/** Notes, beside the request and never in a header, who is at the other end of its connection. */
export function notePeer(request: Request, address: string | undefined): void {
  if (address !== undefined) peers.set(request, networkOf(address))
}

/**
 * Who is at the other end of the connection a request came over: a proxy or relay, where one stands between, and then
 * everybody behind it is one. An IPv4 address, or the /64 of an IPv6 address. For sharing fairly; it proves nothing.
 * Undefined for requests of no server.
 */
export function peerOf(request: Request): string | undefined {
  return peers.get(request)
}

/**
 * What one customer of a network has: an IPv4 address, or 2^64 of IPv6, any of which may be taken for the next
 * connection. Whatever is no address comes back as it is.
 */
export function networkOf(address: string): string {
  const mapped = MAPPED.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  // Link-local ones name an interface of this machine.
  const [plain = ''] = address.split('%', 1)
  if (!isIPv6(plain)) return address
  const [head = '', tail] = plain.toLowerCase().split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const gap = tail === undefined ? 0 : GROUPS - before.length - after.length
  const groups = [...before, ...Array.from({ length: gap }, () => '0'), ...after]
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** A last group in IPv4 notation stands for two. */
function groupsOf(text: string): string[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}

import type { Tap } from '../stack/tap.ts'
import type { Stack, TappedParty } from '../stack/types.ts'
import { addFound, nothingFound, type Found, type Search } from './search.ts'

/** What one party was seen to get, from the bytes on its sockets. */
export interface Seen {
  /** Connections it accepted. */
  connections: number
  /** Connections it opened to another party. */
  opened: number
  /** Requests on accepted connections and answers on opened ones. */
  receivedBytes: number
  sentBytes: number
  /** Which processes connected to it. */
  from: string[]
  /** Which parties it connected to. */
  to: string[]
  /** Whether each kind of secret stood in those bytes. */
  found: Found
  /** False when there were more bytes than a tap keeps: then `found` proves nothing. */
  complete: boolean
}

/** The tapped side of a party. */
export type Tapped = Pick<Tap, 'captures' | 'isComplete'>

/** Names the process at the other end of a connection to `party`. */
export type NameProcess = (pid: number | undefined, party: string) => string

/**
 * Judges raw captures: nothing a party says of itself counts. A connection has two ends, and each
 * of them got what the other sent: an answer of the KMS to the gateway is something the gateway
 * received, though it lies in the capture of the KMS.
 */
export function whatWasSeen(
  taps: Partial<Record<TappedParty, Tapped>>,
  search: Search,
  nameOf: NameProcess,
): Record<string, Seen> {
  const seen = new Map(Object.keys(taps).map((party) => [party, nothingSeen()]))
  for (const [party, tap] of Object.entries(taps)) {
    const acceptor = seen.get(party)!
    acceptor.complete &&= tap.isComplete
    for (const { peerPid, received, sent } of tap.captures) {
      const peer = nameOf(peerPid, party)
      const [request, answer] = [Buffer.concat(received), Buffer.concat(sent)]
      const found = search(request)
      addFound(found, search(answer))
      acceptor.connections++
      add(acceptor, request.length, answer.length, found)
      insert(acceptor.from, peer)
      // Client and owner have no row: they may know what they send.
      const opener = seen.get(peer)
      if (opener === undefined) continue
      opener.opened++
      opener.complete &&= tap.isComplete
      add(opener, answer.length, request.length, found)
      insert(opener.to, party)
    }
  }
  return Object.fromEntries(seen)
}

/** This process is the client of the relay, and towards everybody else the owner who releases and seals. */
export function nameProcesses(roles: Stack['roles']): NameProcess {
  const names = new Map(roles.map(({ pid, name }) => [pid, name === 'inference' ? 'gateway' : name]))
  return (pid, party) => {
    if (pid === undefined) return 'a process that was gone'
    if (pid === process.pid) return party === 'relay' ? 'client' : 'owner'
    return names.get(pid) ?? `process ${pid}`
  }
}

function nothingSeen(): Seen {
  return {
    connections: 0,
    opened: 0,
    receivedBytes: 0,
    sentBytes: 0,
    from: [],
    to: [],
    found: nothingFound(),
    complete: true,
  }
}

function add(seen: Seen, receivedBytes: number, sentBytes: number, found: Found): void {
  seen.receivedBytes += receivedBytes
  seen.sentBytes += sentBytes
  addFound(seen.found, found)
}

function insert(names: string[], name: string): void {
  if (names.includes(name)) return
  names.push(name)
  names.sort()
}

const peers = new WeakMap<Request, string>()

/** Notes, beside the request and never in a header, who is at the other end of its connection. */
export function notePeer(request: Request, address: string | undefined): void {
  if (address !== undefined) peers.set(request, address)
}

/**
 * The address at the other end of the connection a request came over: of a proxy or relay, where one stands between.
 * For sharing fairly; it proves nothing. Undefined for requests of no server.
 */
export function peerOf(request: Request): string | undefined {
  return peers.get(request)
}

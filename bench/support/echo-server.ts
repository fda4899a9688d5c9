import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A gateway that opens nothing: answers every request with its own bytes, as an OHTTP message. Says its port. */
const server = createServer((incoming, outgoing) => {
  outgoing.writeHead(200, {
    'content-type': String(incoming.headers['content-type']).replace('-req', '-res'),
    'cache-control': 'no-store',
  })
  incoming.pipe(outgoing)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

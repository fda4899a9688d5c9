import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The least a proxy on node:http can do: pipes to the port in its argument and back, and checks nothing. */
const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 })
const server = createServer((incoming, outgoing) => {
  const forwarded = request(
    {
      host: '127.0.0.1',
      port: Number(process.argv[2]),
      path: '/ohttp',
      method: 'POST',
      agent,
      headers: { 'content-type': incoming.headers['content-type'] },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] })
      answer.pipe(outgoing)
    },
  )
  forwarded.on('error', () => outgoing.destroy())
  incoming.pipe(forwarded)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

// What is measured around is as little as there is: a health check, bytes, and a little computing.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

const block = Buffer.alloc(256 * 1024, 1)

createServer((request, response) => {
  const [path, query] = request.url.split('?')
  if (path === '/bytes') return response.end(Buffer.alloc(Math.min(Number(query), 16 * 1024 * 1024), 1))
  if (path === '/work') return response.end(createHash('sha256').update(block).digest('hex'))
  response.writeHead(path === '/health' ? 200 : 404).end('{}')
}).listen(Number(process.env.PORT), '127.0.0.1')

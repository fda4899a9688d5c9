import { Agent, request } from 'node:http'

/** What one round of load came to. */
export interface Load {
  requests: number
  perSecond: number
  /** Milliseconds of each request. */
  latencies: number[]
}

/** Sends the same body again and again over `connections` kept connections for `ms` milliseconds. */
export async function applyLoad(
  url: string,
  body: Uint8Array,
  connections: number,
  ms: number,
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const latencies: number[] = []
  const started = performance.now()
  const worker = async (): Promise<void> => {
    while (performance.now() - started < ms) {
      const start = performance.now()
      await send(url, body, agent)
      latencies.push(performance.now() - start)
    }
  }
  try {
    await Promise.all(Array.from({ length: connections }, worker))
    const seconds = (performance.now() - started) / 1000
    return { requests: latencies.length, perSecond: latencies.length / seconds, latencies }
  } finally {
    agent.destroy()
  }
}

/** One exchange, whose answer must be as long as the request. */
function send(url: string, body: Uint8Array, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'message/ohttp-chunked-req', 'content-length': body.length },
      },
      (incoming) => {
        let length = 0
        incoming.on('data', (chunk: Buffer) => (length += chunk.length))
        incoming.on('error', reject)
        incoming.on('end', () => {
          if (incoming.statusCode === 200 && length === body.length) resolve()
          else reject(new Error(`answer ${incoming.statusCode} of ${length} bytes`))
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

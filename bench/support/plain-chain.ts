import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { median } from './stats.ts'

/** A small request in clear, through a proxy that does nothing, to a server that does nothing. */
export interface PlainChain {
  /** One after the other. */
  busyMs: number
  /** Each after {@link REST_MS} of rest: what waking three processes costs here, whatever they do then. */
  restedMs: number
}

/** About the time between two tokens of a model of a billion parameters. */
const REST_MS = 50
const WARM_UP = 400
const REQUESTS = 40
const BODY = new Uint8Array(2048)

/** Measures how fast this machine is at the least there is to do. */
export async function measurePlainChain(): Promise<PlainChain> {
  const children: ChildProcess[] = []
  const start = (file: string, ...args: string[]): Promise<number> => {
    const child = fork(join(import.meta.dirname, file), args)
    children.push(child)
    return new Promise((resolve) => child.once('message', (port) => resolve(port as number)))
  }
  try {
    const port = await start('plain-proxy.ts', String(await start('echo-server.ts')))
    const requests = async (count: number, restMs: number): Promise<number[]> => {
      const found: number[] = []
      for (let request = 0; request < count; request++) {
        if (restMs > 0) await new Promise((done) => setTimeout(done, restMs))
        const started = performance.now()
        const answer = await fetch(`http://127.0.0.1:${port}/ohttp`, {
          method: 'POST',
          headers: { 'content-type': 'message/ohttp-chunked-req' },
          body: BODY,
        })
        await answer.arrayBuffer()
        found.push(performance.now() - started)
      }
      return found
    }
    await requests(WARM_UP, 0)
    return {
      busyMs: median(await requests(REQUESTS, 0)),
      restedMs: median(await requests(REQUESTS, REST_MS)),
    }
  } finally {
    for (const child of children) child.kill()
  }
}

import { connect, type ConnectOptions, type Sotto } from '../../src/index.ts'
import { type FakeService, RELAY } from './service.ts'

/** Connects to a fake deployment under the policy that accepts it. */
export async function open(service: FakeService, options: Partial<ConnectOptions> = {}): Promise<Sotto> {
  return connect(RELAY, { policy: service.world.policy, fetch: service.fetch, now: service.now, ...options })
}

/** One inner POST. */
export function post(sotto: Sotto, body: BodyInit = '{}', init: RequestInit = {}): Promise<Response> {
  return sotto.fetch(`${sotto.baseURL}/chat/completions`, { method: 'POST', body, ...init })
}

/** What the relay got to forward. */
export function posts(service: FakeService): FakeService['outerCalls'] {
  return service.outerCalls.filter(({ method }) => method === 'POST')
}

/** A body that can be read once. */
export function oneShot(size: number): ReadableStream<Uint8Array> {
  let left = size
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close()
      const length = Math.min(left, 50_000)
      left -= length
      controller.enqueue(new Uint8Array(length).fill(7))
    },
  })
}

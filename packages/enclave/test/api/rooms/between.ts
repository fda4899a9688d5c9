import { createRoomRoutes } from '../../../src/api/index.ts'

export const BOARD = 'ab'.repeat(32)
export const DIGEST = 'cd'.repeat(32)
/** What a member brings; the board gets it as a bearer token. */
export const BEARER = { 'sotto-board-token': 'x'.repeat(43) }
const ROOMS = '/v1/rooms'

/** What reached KMS, board or room. */
export interface Asked {
  to: string
  headers: Record<string, string>
  body: Uint8Array
}

type Answer = Response | (() => Response | Promise<Response>)

/**
 * The routes between a party, and KMS, board and room that answer what the test says.
 * @param answers by `METHOD host/path` or by host
 */
export function between(answers: Record<string, Answer> = {}, urls: object = {}) {
  const asked: Asked[] = []
  const routes = createRoomRoutes({
    kmsUrls: ['http://kms-1/', 'http://kms-2'],
    boardUrl: 'http://boards',
    roomUrl: 'http://room',
    ...urls,
    async fetch(input, init) {
      const request = new Request(input as string, init)
      const { hostname, pathname, search } = new URL(request.url)
      const to = `${request.method} ${hostname}${pathname}${search}`
      const body = new Uint8Array(await request.arrayBuffer())
      asked.push({ to, headers: Object.fromEntries(request.headers), body })
      const answer = answers[to] ?? answers[hostname] ?? new Response('{}')
      return (typeof answer === 'function' ? await answer() : answer).clone()
    },
  })
  const call = async (
    method: string,
    path: string,
    body?: BodyInit | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const request = new Request(`https://inference.sotto${ROOMS}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: body as BodyInit, duplex: 'half' }),
    })
    return routes(request, new URL(request.url).pathname.slice(ROOMS.length))
  }
  return { call, asked, to: () => asked.map((one) => one.to) }
}

export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer())
}

export async function refusalOf(answer: Promise<Response>): Promise<string> {
  const response = await answer
  const { error } = (await response.json()) as { error?: { code: string } }
  return `${response.status} ${error?.code}`
}

export function refusing(code: string, status: number, action = 'fix-input', headers = {}): Response {
  return Response.json({ error: { code, message: 'because', action } }, { status, headers })
}

/** A board in memory, as a verified `fetch` reaches it: it can lose requests and answers, and lie. */
import { concat, fromBase64Url, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { MAX_BOARD_PART_BYTES, verifyBoardOpening } from '@sotto/protocol/room'
import { clientError } from '../../../src/errors.ts'

/** A request as the board sees it. */
export interface Asked {
  method: string
  /** Below `/v1/rooms/boards`. */
  path: string
}

export interface FakeBoard {
  fetch: typeof globalThis.fetch
  /** Each request, as `METHOD path`. */
  asked: string[]
  /** base64url, in order: what somebody who keeps the board can change. */
  messages: string[]
  files: Map<string, { bytes: number; data: Uint8Array }>
  /** Messages of one page. */
  pageSize: number
  /** What happens to a request: it is lost before anything is done, or its answer is. */
  loses: (asked: Asked) => 'request' | 'answer' | undefined
  /** What is answered instead. */
  lies: (asked: Asked) => Response | undefined
}

const PREFIX = 'https://inference.sotto/v1/rooms/boards'

export function createFakeBoard(genesis: string): FakeBoard {
  const opened = new Map<string, { envelope: string; token: string }>()
  const board: FakeBoard = {
    fetch,
    asked: [],
    messages: [],
    files: new Map(),
    pageSize: 3,
    loses: () => undefined,
    lies: () => undefined,
  }

  async function fetch(input: unknown, init: RequestInit = {}): Promise<Response> {
    const url = input as string
    if (!url.startsWith(PREFIX)) throw new Error(`nothing answers at ${url}`)
    init.signal?.throwIfAborted()
    const asked = { method: init.method ?? 'GET', path: url.slice(PREFIX.length) }
    board.asked.push(`${asked.method} ${asked.path}`)
    const lost = board.loses(asked)
    if (lost === 'request') throw gone()
    const request = new Request(url, { ...init, ...(asked.method === 'GET' && { body: null }) })
    const answer = board.lies(asked) ?? (await handle(request, new URL(url)))
    if (lost === 'answer') throw gone()
    return answer
  }

  async function handle(request: Request, { pathname, searchParams }: URL): Promise<Response> {
    const [, name, kind, digest] =
      /^\/v1\/rooms\/boards\/([0-9a-f]{64})(?:\/(messages|files))?(?:\/([0-9a-f]{64}))?$/.exec(pathname) ?? []
    if (name === undefined) return refuse(404, 'BOARD_UNKNOWN', 'stop')
    if (kind === undefined)
      return request.method === 'PUT' ? open(name, await request.text()) : refuse(405, 'BOARD_METHOD')
    const token = opened.get(name)?.token
    const brought = /^[A-Za-z0-9_-]{43}$/.exec(request.headers.get('sotto-board-token') ?? '')?.[0]
    if (brought === undefined || toHex(crypto.sha256(fromBase64Url(brought))) !== token)
      return refuse(404, 'BOARD_UNKNOWN')
    if (kind === 'messages')
      return request.method === 'GET'
        ? page(Number(searchParams.get('after')))
        : post(new Uint8Array(await request.arrayBuffer()))
    if (digest === undefined) return begin((await request.json()) as { digest: string; bytes: number })
    return request.method === 'GET' ? range(digest, request.headers.get('range')!) : append(digest, request)
  }

  function open(name: string, envelope: string): Response {
    const opening = verifyBoardOpening(envelope, genesis)
    if (opening.board !== name) return refuse(400, 'BOARD_OTHER')
    opened.set(name, { envelope, token: opening.token })
    return Response.json({ board: name })
  }

  function post(sealed: Uint8Array): Response {
    const message = toBase64Url(sealed)
    if (!board.messages.includes(message)) board.messages.push(message)
    return Response.json({ index: board.messages.indexOf(message) + 1 })
  }

  function page(after: number): Response {
    const messages = board.messages
      .map((message, at) => ({ index: at + 1, message }))
      .slice(after, after + board.pageSize)
    return Response.json({ messages, more: after + messages.length < board.messages.length })
  }

  function begin({ digest, bytes }: { digest: string; bytes: number }): Response {
    if (!board.files.has(digest)) board.files.set(digest, { bytes, data: new Uint8Array() })
    return state(digest)
  }

  async function append(digest: string, request: Request): Promise<Response> {
    const file = board.files.get(digest)
    if (file === undefined) return refuse(404, 'BOARD_FILE_UNKNOWN')
    const offset = Number(request.headers.get('upload-offset'))
    if (offset !== file.data.length)
      return refuse(409, 'BOARD_OFFSET', 'retry', { 'upload-offset': `${file.data.length}` })
    const part = new Uint8Array(await request.arrayBuffer())
    if (part.length > MAX_BOARD_PART_BYTES || offset + part.length > file.bytes)
      return refuse(413, 'BOARD_PART')
    file.data = concat(file.data, part)
    return state(digest)
  }

  function state(digest: string): Response {
    const { bytes, data } = board.files.get(digest)!
    return Response.json({ digest, bytes, offset: data.length, complete: data.length === bytes })
  }

  function range(digest: string, value: string): Response {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(value)!
    const data = board.files.get(digest)?.data
    if (data === undefined) return refuse(404, 'BOARD_FILE_UNKNOWN')
    if (Number(to) - Number(from) >= MAX_BOARD_PART_BYTES) return refuse(416, 'BOARD_RANGE')
    return new Response(data.slice(Number(from), Number(to) + 1), { status: 206 })
  }

  return board
}

export function refuse(
  status: number,
  code: string,
  action = 'fix-input',
  headers: Record<string, string> = {},
): Response {
  return Response.json({ error: { code, message: `it is ${code}`, action } }, { status, headers })
}

/** What a verified `fetch` throws where a connection breaks. */
function gone(): Error {
  return clientError('RELAY_UNREACHABLE', 'the connection broke')
}

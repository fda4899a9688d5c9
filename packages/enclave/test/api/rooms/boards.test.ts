import fc from 'fast-check'
import { MAX_BOARD_MESSAGE_BYTES, MAX_BOARD_PAGE_BYTES, MAX_BOARD_PART_BYTES } from '@sotto/protocol/room'
import { describe, expect, it } from 'vitest'
import { BEARER, between, BOARD, bytesOf, DIGEST, refusalOf, refusing } from './between.ts'

const AT = `/boards/${BOARD}`
const THERE = `boards/v1${AT}`
const FILE = `${AT}/files/${DIGEST}`
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('a board', () => {
  it.each<[string, string, string | undefined, Record<string, string>, string[]]>([
    ['PUT', AT, 'an opening', {}, [`PUT ${THERE}`]],
    [
      'POST',
      `${AT}/messages`,
      'a message',
      { 'content-type': 'application/octet-stream' },
      [`GET ${THERE}/messages?after=999999999`, `POST ${THERE}/messages`],
    ],
    ['GET', `${AT}/messages`, undefined, {}, [`GET ${THERE}/messages?after=0`]],
    ['GET', `${AT}/messages?after=7&admin=1`, undefined, {}, [`GET ${THERE}/messages?after=7`]],
    ['POST', `${AT}/files`, '{"digest"}', {}, [`POST ${THERE}/files`]],
    ['GET', `${FILE}/state`, undefined, {}, [`GET ${THERE}/files/${DIGEST}/state`]],
    [
      'PATCH',
      FILE,
      'bytes',
      { 'upload-offset': '7' },
      [`GET ${THERE}/files/${DIGEST}/state`, `PATCH ${THERE}/files/${DIGEST}`],
    ],
    ['GET', FILE, undefined, { range: 'bytes=3-9' }, [`GET ${THERE}/files/${DIGEST}`]],
  ])(
    '%s %s goes on with what the board needs, and nothing of who asks',
    async (method, path, body, more, to) => {
      const { call, asked } = between()
      const headers = { ...BEARER, ...more }
      const response = await call(method, path, body, { ...headers, cookie: 'x', 'x-forwarded-for': 'me' })
      expect([response.status, await response.text()]).toEqual([200, '{}'])
      expect(asked.map((one) => one.to)).toEqual(to)
      const last = asked.at(-1)!
      expect(text(last.body)).toBe(body ?? '')
      expect(last.headers).toMatchObject({ ...more, authorization: `Bearer ${BEARER['sotto-board-token']}` })
      const passed = ['authorization', 'upload-offset', 'range', 'content-type']
      for (const { headers: sent } of asked)
        expect(Object.keys(sent).filter((name) => !passed.includes(name))).toEqual([])
    },
  )

  it('keeps the codes of its refusals, and says where an upload is', async () => {
    const elsewhere = refusing('BOARD_OFFSET', 409, 'retry', { 'upload-offset': '42' })
    const { call } = between({ [`PATCH ${THERE}/files/${DIGEST}`]: elsewhere })
    const response = await call('PATCH', FILE, 'bytes', { ...BEARER, 'upload-offset': '7' })
    expect(response.headers.get('upload-offset')).toBe('42')
    expect(await response.json()).toMatchObject({ error: { code: 'BOARD_OFFSET', action: 'retry' } })
    const unknown = between({ boards: refusing('BOARD_UNKNOWN', 404) })
    expect(await refusalOf(unknown.call('GET', `${AT}/messages`))).toBe('404 BOARD_UNKNOWN')
  })

  it('gives parts of files, with where they stand in it', async () => {
    const part = (): Response =>
      new Response(new Uint8Array([1, 2]), { status: 206, headers: { 'content-range': 'bytes 3-4/10' } })
    const { call } = between({ boards: part })
    const response = await call('GET', FILE, undefined, { ...BEARER, range: 'bytes=3-4' })
    expect([response.status, response.headers.get('content-range')]).toEqual([206, 'bytes 3-4/10'])
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(await bytesOf(response)).toEqual(new Uint8Array([1, 2]))
    const odd = between({
      boards: new Response('x', { status: 206, headers: { 'content-range': 'bytes all of it' } }),
    })
    const answer = await odd.call('GET', FILE, undefined, { ...BEARER, range: 'bytes=3-4' })
    expect(answer.headers.get('content-range')).toBeNull()
  })

  it.each([
    ['is away', () => Promise.reject(new TypeError('fetch failed'))],
    ['refuses without a code', () => new Response('no', { status: 404 })],
    ['sends elsewhere', () => new Response(null, { status: 302, headers: { location: 'http://kms-1/' } })],
    ['answers more than an answer', () => new Response(new Uint8Array(MAX_BOARD_PART_BYTES + 4097))],
  ])('that %s does not answer', async (_, answer) => {
    const { call } = between({ boards: answer as () => Response })
    for (const [method, path, body] of [
      ['PUT', AT, 'x'],
      ['GET', `${AT}/messages`],
      ['POST', `${AT}/messages`, 'x'],
      ['GET', `${FILE}/state`],
      ['GET', FILE],
    ] as const) {
      const response = call(method, path, body, { ...BEARER, range: 'bytes=0-1' })
      expect(await refusalOf(response)).toBe('503 API_UPSTREAM')
    }
  })
})

describe('a file', () => {
  const last = MAX_BOARD_PART_BYTES - 1
  it.each([
    `bytes=0-${last}`,
    `bytes=5-${last + 5}`,
    `bytes=-${MAX_BOARD_PART_BYTES}`,
    'bytes=0-0',
    'bytes=9-3',
  ])('is asked for by %s', async (range) => {
    const { call, to } = between()
    expect((await call('GET', FILE, undefined, { ...BEARER, range })).status).toBe(200)
    expect(to()).toHaveLength(1)
  })

  it.each([
    undefined,
    '',
    'bytes=0-',
    'bytes=-',
    `bytes=0-${last + 1}`,
    `bytes=-${MAX_BOARD_PART_BYTES + 1}`,
    'bytes=0-1,3-4',
    'bytes=a-b',
    'bytes=0-9999999999999999',
    'chars=0-1',
  ])('is not asked for by %s: no enclave holds a whole one', async (range) => {
    const { call, asked } = between()
    const refused = call('GET', FILE, undefined, { ...BEARER, ...(range !== undefined && { range }) })
    expect(await refusalOf(refused)).toBe('400 API_INVALID')
    expect(asked).toEqual([])
  })
})

describe('bounds', () => {
  it('of bodies are those of the board', async () => {
    const { call, to } = between()
    const tooLarge = async (method: string, path: string, bytes: number): Promise<void> =>
      expect(await refusalOf(call(method, path, new Uint8Array(bytes + 1), BEARER))).toMatch(
        /HTTP_BODY_TOO_LARGE$/,
      )
    await tooLarge('PUT', AT, 8192)
    await tooLarge('POST', `${AT}/files`, 1024)
    await tooLarge('POST', `${AT}/messages`, MAX_BOARD_MESSAGE_BYTES)
    await tooLarge('PATCH', FILE, MAX_BOARD_PART_BYTES)
    expect(to().filter((one) => !one.startsWith('GET'))).toEqual([])
    const largest = await call('PATCH', FILE, new Uint8Array(MAX_BOARD_PART_BYTES), BEARER)
    expect(largest.status).toBe(200)
  })

  it('of answers are those of pages, of parts, and of a few hundred bytes', async () => {
    const answering = (bytes: number) => between({ boards: () => new Response(new Uint8Array(bytes)) })
    const statusOf = async (path: string, bytes: number): Promise<number> =>
      (await answering(bytes).call('GET', path, undefined, { range: 'bytes=0-1' })).status
    expect(await statusOf(`${AT}/messages`, MAX_BOARD_PAGE_BYTES)).toBe(200)
    expect(await statusOf(`${AT}/messages`, MAX_BOARD_PAGE_BYTES + 1)).toBe(503)
    expect(await statusOf(FILE, MAX_BOARD_PART_BYTES)).toBe(200)
    expect(await statusOf(`${FILE}/state`, 4097)).toBe(503)
  })
})

it('who has no token takes no place: others are not waited out by strangers', async () => {
  const { call, to } = between({ [`GET ${THERE}/messages?after=999999999`]: refusing('BOARD_UNKNOWN', 404) })
  const never = (): ReadableStream => new ReadableStream({ pull: () => new Promise(() => undefined) })
  const strangers = Array.from({ length: 100 }, () => refusalOf(call('POST', `${AT}/messages`, never())))
  expect(new Set(await Promise.all(strangers))).toEqual(new Set(['404 BOARD_UNKNOWN']))
  expect((await call('PATCH', FILE, 'bytes', BEARER)).status).toBe(200)
  expect(to().filter((one) => one.startsWith('POST'))).toEqual([])
})

describe('nothing else', () => {
  it.each([
    ['POST', AT],
    ['GET', AT],
    ['DELETE', AT],
    ['PUT', `${AT}/messages`],
    ['GET', `${AT}/files`],
    ['PUT', FILE],
    ['HEAD', FILE],
    ['DELETE', FILE],
    ['POST', `${FILE}/state`],
    ['GET', `${AT}/messages/1`],
    ['GET', `${AT}/`],
    ['GET', `/boards/${BOARD.toUpperCase()}/messages`],
    ['GET', '/boards/..%2f..%2fmessages'],
    ['GET', `/boards/${BOARD}0/messages`],
    ['GET', `${AT}/files/${DIGEST}/state/x`],
    ['GET', ''],
    ['GET', '/'],
  ])('%s %s goes anywhere', async (method, path) => {
    const { call, asked } = between()
    const body = method === 'GET' || method === 'HEAD' ? undefined : 'x'
    expect(await refusalOf(call(method, path, body, { ...BEARER, range: 'bytes=0-1' }))).toBe(
      '404 API_ROUTE_NOT_FOUND',
    )
    expect(asked).toEqual([])
  })

  it.each(['-1', '1e3', '9999999999', '%0a1', '1%26x=2', ''])(
    'no page after %s is asked for',
    async (after) => {
      const { call, asked } = between()
      expect(await refusalOf(call('GET', `${AT}/messages?after=${after}`))).toBe('400 API_INVALID')
      expect(asked).toEqual([])
    },
  )

  it('reaches another place of the board, whatever the path', async () => {
    const known = new RegExp(
      `^[A-Z]+ (boards|kms-1|room)/v1/(boards/[0-9a-f]{64}[/?]?|artifacts/[0-9a-f]{32}/key|room)`,
    )
    const piece = fc.constantFrom(
      '..',
      '%2e%2e',
      BOARD,
      DIGEST,
      'files',
      'messages',
      'state',
      '%2f',
      '?',
      '#',
      '',
    )
    const anything = fc.oneof(piece, fc.string({ maxLength: 20 }).map(encodeURIComponent))
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 5 }), async (pieces) => {
        const { call, to } = between()
        await call('GET', `/boards/${pieces.join('/')}`, undefined, { range: 'bytes=0-1' })
        for (const one of to()) expect(one).toMatch(known)
      }),
      { numRuns: 300 },
    )
  })
})

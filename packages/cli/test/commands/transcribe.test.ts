import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BANNER, createDesk, type Desk, traffic } from '../support/desk.ts'
import { claim } from '../../../../test/claims.ts'

let desk: Desk
beforeEach(async () => {
  desk = await createDesk()
  desk.write('Mr Smith.wav', new Uint8Array(200_000).fill(1))
  desk.service.knobs.app = async (request) => {
    const form = await request.formData()
    const file = form.get('file') as File
    const format = form.get('response_format')
    if (form.get('stream') === 'true') return events(['Hello ', 'world'])
    const text = `${file.name} ${file.size} ${form.get('language') ?? '-'} ${form.get('model') ?? '-'}`
    return format === 'json' ? Response.json({ text }) : new Response(`${text}\n`)
  }
})
afterEach(() => desk.clear())

function events(words: string[]): Response {
  const deltas = words.map((delta) => ({ type: 'transcript.text.delta', delta }))
  const all = [...deltas, { type: 'transcript.text.done', text: words.join('') }]
  return new Response(all.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  })
}

describe('sotto transcribe', () => {
  it('prints the text on standard output and progress on standard error', async () => {
    const { code, stdout, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '--language', 'de'])
    expect([code, stdout]).toEqual([0, 'recording.wav 200000 de -\n'])
    expect(stderr.startsWith(BANNER)).toBe(true)
    expect(stderr.match(/^sending Mr Smith\.wav: \d+ % of 195\.3 KiB$/gm)).toHaveLength(4)
  })

  it('keeps the name of the file to itself', async () => {
    await desk.sotto(['transcribe', 'Mr Smith.wav', '-q'])
    expect(Buffer.concat(desk.service.innerCalls.map(({ body }) => body)).includes('Smith')).toBe(false)
  })

  it('reads standard input', async () => {
    const { code, stdout } = await desk.sotto(['transcribe', '-', '-q', '-m', 'tiny'], {
      stdin: ['RI', 'FF'],
    })
    expect([code, stdout]).toEqual([0, 'recording 4 - tiny\n'])
  })

  it('streams words, and as JSON one event a line', async () => {
    const { stdout } = await desk.sotto(['transcribe', 'Mr Smith.wav', '--stream', '-q'])
    expect(stdout).toBe('Hello world\n')
    const json = await desk.sotto(['transcribe', 'Mr Smith.wav', '--stream', '-q', '--json'])
    const lines = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; sotto?: object })
    expect(lines.map(({ type }) => type)).toEqual([
      'transcript.text.delta',
      'transcript.text.delta',
      'transcript.text.done',
      'sotto',
    ])
    expect(lines.at(-1)!.sotto).toMatchObject({ verified: true, software: true })
  })

  it('keeps the receipt, which verifies offline', async () => {
    const { code, stdout } = await desk.sotto([
      'transcribe',
      'Mr Smith.wav',
      '--json',
      '-q',
      '--receipt',
      'a.json',
    ])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      text: 'recording.wav 200000 - -',
      sotto: { software: true, receipt: { version: 1 } },
    })
    expect(statSync(join(desk.cwd, 'a.json')).mode & 0o777).toBe(0o600)
    desk.service.knobs.outer = () => new Response(null, { status: 500 })
    const verified = await desk.sotto(['receipt', 'verify', 'a.json'])
    expect([verified.code, verified.stderr]).toEqual([0, ''])
    expect(verified.stdout).toContain('✓ receipt.signature')
    expect(verified.stdout).toContain('\nthe receipt holds\n')
    expect(verified.stdout).toContain('software TEE: not hardware')
  })

  it.each([
    [
      'a file that is missing',
      ['transcribe', 'gone.wav'],
      {},
      'error: cannot read gone.wav [CLI_FILE]\nhint: check the path, or use - for standard input\n',
    ],
    [
      'empty standard input',
      ['transcribe', '-'],
      {},
      'error: standard input is empty [CLI_STDIN]\nhint: pipe data into the command\n',
    ],
    [
      'standard input from a terminal',
      ['transcribe', '-'],
      { stdinTerminal: true },
      'error: standard input is a terminal [CLI_STDIN]\nhint: pipe data into the command, or name a file\n',
    ],
    [
      '--stream with a format it cannot have',
      ['transcribe', 'Mr Smith.wav', '--stream', '-f', 'srt'],
      {},
      'error: --stream prints plain text; other formats need the whole recording [CLI_USAGE]\nhint: leave out --stream or --format; --stream --json prints one event a line\n',
    ],
    [
      '--stream with JSON, which is not what it prints',
      ['transcribe', 'Mr Smith.wav', '--stream', '-f', 'json'],
      {},
      'error: --stream prints plain text; other formats need the whole recording [CLI_USAGE]\nhint: leave out --stream or --format; --stream --json prints one event a line\n',
    ],
  ])('exits 2 for %s, having sent nothing', async (_, argv, options, stderr) => {
    expect(await desk.sotto(argv, options)).toEqual({ code: 2, stdout: '', stderr })
    expect(traffic(desk.service)).toEqual([])
  })

  it(claim('chain.nothing-sent', 'sends nothing when verification is refused'), async () => {
    desk.write('policy.json', JSON.stringify({ ...desk.service.world.policy, genesis: '0'.repeat(64) }))
    const { code, stdout, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav'])
    expect([code, stdout]).toEqual([5, ''])
    expect(stderr).toMatch(
      /^error: verification refused: genesis\.pinned \[VERIFY_REFUSED\]\n {2}expected: 0{64}\n {2}found: {4}[0-9a-f]{64}\nhint: another genesis\n$/,
    )
    expect(traffic(desk.service)).toEqual(['GET /relay/inference/trust'])
  })

  it('fails when the answer is cut, and prints no half of it', async () => {
    desk.service.knobs.mangle = async function* (sealed) {
      yield* (await Array.fromAsync(sealed)).slice(0, -2)
    }
    const { code, stdout, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      `${BANNER}error: the answer was cut; what arrived is not the whole of it [RESPONSE_TRUNCATED]\nhint: the answer is incomplete, do not use it; run the command again\n`,
    )
  })

  it('exits 3 when the receipt is about something else', async () => {
    desk.service.knobs.receipt = (receipt) => ({ ...receipt, response: '0'.repeat(64) })
    const { code, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q'])
    expect([code, stderr.includes('error: the receipt does not hold: it is about another response')]).toEqual(
      [3, true],
    )
  })

  it('exits 1 when a receipt was asked for and there is none', async () => {
    desk.service.knobs.withoutReceipts = true
    expect((await desk.sotto(['transcribe', 'Mr Smith.wav', '-q'])).code).toBe(0)
    expect((await desk.sotto(['transcribe', 'Mr Smith.wav', '-q', '--receipt', 'a.json'])).code).toBe(1)
    expect(() => readFileSync(join(desk.cwd, 'a.json'))).toThrow('ENOENT')
  })

  it.each([
    [401, 4],
    [404, 2],
    [429, 1],
    [500, 1],
    [503, 8],
  ])('maps the inner status %i to exit code %i', async (status, code) => {
    desk.service.knobs.app = () => Response.json({ error: { message: 'No way.' } }, { status })
    const result = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q'])
    expect([result.code, result.stdout]).toEqual([code, ''])
    expect(result.stderr).toContain('error: the service answered: No way [CLI_')
  })

  it('says what the service says, with its code and the field it is about', async () => {
    desk.service.knobs.app = () =>
      Response.json(
        {
          error: {
            message: 'Cut\u001B[2J.',
            type: 'invalid_request_error',
            param: 'file',
            code: 'audio_malformed',
          },
        },
        { status: 400 },
      )
    const { code, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q'])
    expect([code, stderr.replace(BANNER, '')]).toEqual([
      2,
      'error: the service answered: Cut\uFFFD[2J [CLI_REQUEST audio_malformed]\n' +
        'hint: the file is damaged or was cut short; recordings may be WAV, FLAC, MP3, AIFF, or Ogg or WebM with Opus; ffmpeg -i FILE recording.wav makes one of most others\n',
    ])
    const json = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q', '--json'])
    expect(JSON.parse(json.stderr.replace(BANNER, ''))).toMatchObject({
      error: {
        code: 'CLI_REQUEST',
        action: 'fix-input',
        service: { status: 400, code: 'audio_malformed', param: 'file' },
      },
    })
  })

  it('names the models that there are when it asked for one that is not', async () => {
    const names = Array.from({ length: 10 }, (_, index) => ({ id: `model-${index}` }))
    desk.service.knobs.app = ({ url }) =>
      url.endsWith('/v1/models')
        ? Response.json({ data: [...names, { id: '\u001B[2J' }, null] })
        : Response.json(
            { error: { message: 'no such model', param: 'model', code: 'model_not_found' } },
            { status: 404 },
          )
    const { code, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q', '-m', 'none'])
    expect([code, stderr.replace(BANNER, '')]).toEqual([
      2,
      'error: the service answered: no such model [CLI_REQUEST model_not_found]\n' +
        'hint: it serves model-0, model-1, model-2, model-3, model-4, model-5, model-6, model-7 and 2 more; ' +
        'sotto models ls lists pulled ones, sotto up --models DIR serves them\n',
    ])
  })

  it.each([
    ['a code that is none', { message: 'No', code: 'x\u001B[2J', param: 7 }],
    ['a list', []],
    ['nothing', null],
  ])('passes over %s in what the service says', async (_, error) => {
    desk.service.knobs.app = () => Response.json({ error }, { status: 400 })
    const { code, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q', '--json'])
    expect(code).toBe(2)
    expect((JSON.parse(stderr.replace(BANNER, '')) as { error: { service: object } }).error.service).toEqual({
      status: 400,
    })
  })

  it('carries the code of an error in the middle of a stream', async () => {
    desk.service.knobs.app = () =>
      new Response('data: {"error":{"message":"gone","code":"engine_crashed"}}\n\n', {
        headers: { 'content-type': 'text/event-stream' },
      })
    const { code, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q', '--stream'])
    expect([code, stderr.replace(BANNER, '')]).toEqual([
      1,
      'error: the service answered: gone [CLI_SERVICE engine_crashed]\n',
    ])
  })

  it('exits 130 when interrupted, and cancels', async () => {
    const interrupt = new AbortController()
    desk.service.knobs.app = () => {
      interrupt.abort(new DOMException('interrupted', 'AbortError'))
      return new Response(new ReadableStream())
    }
    const { code, stdout, stderr } = await desk.sotto(['transcribe', 'Mr Smith.wav', '-q'], {
      signal: interrupt.signal,
    })
    expect([code, stdout, stderr]).toEqual([130, '', `${BANNER}error: interrupted [CLI_CANCELLED]\n`])
  })
})

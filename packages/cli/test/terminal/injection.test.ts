import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createForeignText,
  createPrintableStream,
  printable,
  printableStyled,
} from '../../src/terminal/index.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { STEERS, TERMINAL_INJECTIONS } from '../support/terminal-injections.ts'

const ALL = TERMINAL_INJECTIONS.map(([, text]) => text).join(' ')

function inPieces(text: string, cuts: readonly number[]): string {
  const stream = createPrintableStream()
  const at = [0, ...[...cuts].sort((a, b) => a - b), text.length]
  return at.map((begin, index) => stream.push(text.slice(begin, at[index + 1]))).join('') + stream.end()
}

describe('text of others on a terminal', () => {
  it.each(TERMINAL_INJECTIONS)('does not steer it: %s', (_what, text) => {
    expect(printable(text)).not.toMatch(STEERS)
    expect(
      printableStyled(`a ${text} b`).replaceAll('\u001B[32m', '').replaceAll('\u001B[39m', ''),
    ).not.toMatch(STEERS)
    // Something was there, and shows.
    expect(printable(text)).toContain('\uFFFD')
    for (let cut = 0; cut <= text.length; cut++) expect(inPieces(text, [cut])).toBe(printable(text))
  })

  it('does not, wherever it is cut, and says the same as in one piece', () => {
    const pieces = fc.constantFrom(
      ...TERMINAL_INJECTIONS.map(([, text]) => text),
      '\r',
      '\n',
      '🙂',
      'ab',
      '\u200D',
    )
    const text = fc
      .array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 8 })
      .map((all) => all.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 6 }), (some, cuts) => {
        const whole = printable(some)
        expect(whole).not.toMatch(STEERS)
        expect(
          inPieces(
            some,
            cuts.map((cut) => Math.min(cut, some.length)),
          ),
        ).toBe(whole)
      }),
      { numRuns: process.env['SLOW'] ? 5000 : 300 },
    )
  })

  it('keeps what is only text', () => {
    const text = fc.stringMatching(/^[\p{L}\p{N}\p{P} \t\n]*$/u)
    fc.assert(
      fc.property(text, (some) => {
        expect(inPieces(some, [Math.min(3, some.length)])).toBe(some)
      }),
    )
    expect(inPieces('a\r\nb🙂c', [2, 5])).toBe('a\nb🙂c')
  })

  it('leaves a pipe what was asked for', async () => {
    let written = ''
    const sink = {
      isTerminal: false,
      columns: 80,
      write: (data: string | Uint8Array) => void (written += String(data)),
    }
    const to = createForeignText(sink, { isData: true })
    await to.write(ALL)
    await to.end()
    expect(written).toBe(`${ALL}\n`)
  })
})

describe('every command that prints content', () => {
  let desk: Desk
  beforeAll(async () => {
    desk = await createDesk()
    desk.write('a.wav', 'RIFF')
    desk.service.knobs.app = async (request) => {
      if (request.url.endsWith('/summaries')) return Response.json({ summary: ALL })
      if (request.url.endsWith('/chat/completions')) {
        // Cut in the middle of whatever there is.
        const cut = [...Array(Math.ceil(ALL.length / 3)).keys()].map((at) => ALL.slice(at * 3, at * 3 + 3))
        return sse([...cut.map((content) => ({ choices: [{ delta: { content } }] })), '[DONE]'])
      }
      if ((await request.formData()).get('stream') !== 'true') return new Response(`${ALL}\n`)
      return sse([
        { type: 'transcript.text.delta', delta: ALL },
        { type: 'transcript.text.segment', start: 0, end: 1, text: ALL },
        { type: 'transcript.text.done', text: ALL },
      ])
    }
  })
  afterAll(() => desk.clear())

  it.each([
    ['chat', ['chat', '-m', 'hi', '-q']],
    ['summarize', ['summarize', 'a.wav', '-q']],
    ['transcribe', ['transcribe', 'a.wav', '-q']],
    ['transcribe --stream', ['transcribe', 'a.wav', '--stream', '-q']],
    ['transcribe --stream --json', ['transcribe', 'a.wav', '--stream', '--json', '-q']],
    ['assistant', ['assistant', 'a.wav', '-q']],
  ])('%s', async (_name, argv) => {
    const { code, stdout } = await desk.sotto([...argv, '--no-color'], { stdoutTerminal: true })
    expect([code, STEERS.exec(stdout)]).toEqual([0, null])
    expect(stdout).toMatch(/\uFFFD|\\u001b/)
  })

  it('transcribe and assistant in front of somebody, where only our own line moves the cursor', async () => {
    for (const command of ['transcribe', 'assistant']) {
      const terminals = { stdoutTerminal: true, stderrTerminal: true }
      const { stdout, stderr } = await desk.sotto([command, 'a.wav', '--no-color'], terminals)
      expect(STEERS.exec(stdout)).toBeNull()
      expect(STEERS.exec(stderr.replaceAll('\r\u001B[K', ''))).toBeNull()
    }
  })

  it('chat gives a pipe the very words', async () => {
    expect((await desk.sotto(['chat', '-m', 'hi', '-q'])).stdout).toContain('\u001B]52;c;')
  })

  it('and what a service says of an error, with --verbose too', async () => {
    desk.service.knobs.app = () => Response.json({ error: { message: ALL } }, { status: 400 })
    const argv = ['chat', '-m', 'hi', '--no-color', '--verbose']
    const { stderr } = await desk.sotto(argv, { stderrTerminal: true })
    expect([stderr.includes('the service answered:'), STEERS.exec(stderr)]).toEqual([true, null])
  })
})

function sse(events: readonly unknown[]): Response {
  const lines = events.map(
    (event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`,
  )
  return new Response(lines.join(''), { headers: { 'content-type': 'text/event-stream' } })
}

import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDesk, type Desk, traffic } from '../support/desk.ts'

let desk: Desk
let bodies: Record<string, unknown>[] = []
beforeEach(async () => {
  bodies = []
  desk = await createDesk()
  desk.service.knobs.app = async (request) => {
    const body = (await request.json()) as Record<string, unknown>
    bodies.push(body)
    if (request.url.endsWith('/summaries')) return Response.json({ object: 'summary', summary: 'Short.' })
    if (request.url.endsWith('/embeddings')) {
      return Response.json({
        object: 'list',
        data: (body['input'] as string[]).map((text, index) => ({ index, embedding: [text.length, 0.5] })),
      })
    }
    return chat(['Good', ' day'])
  }
})
afterEach(() => desk.clear())

function chat(words: string[], end = 'data: [DONE]\n\n'): Response {
  const deltas = words.map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
  return new Response(deltas.join('') + end, { headers: { 'content-type': 'text/event-stream' } })
}

describe('sotto chat', () => {
  it('answers one message', async () => {
    const { code, stdout } = await desk.sotto([
      'chat',
      '-m',
      'hi',
      '--system',
      'be brief',
      '--temperature',
      '0',
      '-q',
    ])
    expect([code, stdout]).toEqual([0, 'Good day\n'])
    expect(bodies).toEqual([
      {
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'hi' },
        ],
        temperature: 0,
        stream: true,
      },
    ])
  })

  it('reads the message from standard input, with -m - or none', async () => {
    for (const argv of [
      ['chat', '-q'],
      ['chat', '-m', '-', '-q'],
    ]) {
      expect((await desk.sotto(argv, { stdin: ['what is', ' this?'] })).stdout).toBe('Good day\n')
    }
    expect(bodies.map((body) => (body['messages'] as { content: string }[])[0]!.content)).toEqual([
      'what is this?',
      'what is this?',
    ])
  })

  it('prints one document with --json', async () => {
    const { stdout } = await desk.sotto(['chat', '-m', 'hi', '--json', '-q'])
    expect(JSON.parse(stdout)).toMatchObject({
      content: 'Good day',
      sotto: { software: true, receipt: { version: 1 } },
    })
  })

  it('fails when the stream lacks its end mark or carries an error', async () => {
    desk.service.knobs.app = () => chat(['half'], '')
    expect(await desk.sotto(['chat', '-m', 'hi', '-q'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('without its end mark'),
    })
    desk.service.knobs.app = () => chat(['half'], 'data: {"error":{"message":"out of memory"}}\n\n')
    expect(await desk.sotto(['chat', '-m', 'hi', '-q'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('out of memory'),
    })
  })

  it('holds a conversation on a terminal, with /clear and /exit', async () => {
    const { code, stdout } = await desk.sotto(['chat', '-q'], {
      stdin: ['one\n', 'two\n', '/clear\n', 'three\n', '/exit\n'],
      stdinTerminal: true,
    })
    expect(code).toBe(0)
    expect(stdout).toBe('Good day\nGood day\nGood day\n')
    expect(
      bodies.map((body) => (body['messages'] as { content: string }[]).map(({ content }) => content)),
    ).toEqual([['one'], ['one', 'Good day', 'two'], ['three']])
  })

  it('drops the oldest turns when the context is full, says so in one line, and goes on', async () => {
    desk.service.knobs.app = async (request) => {
      const body = (await request.json()) as { messages: { content: string }[] }
      bodies.push(body)
      if (body.messages.length <= 4) return chat(['Good', ' day'])
      const error = { message: 'the prompt has 600 tokens', code: 'context_length_exceeded' }
      return Response.json({ error }, { status: 400 })
    }
    const { code, stdout, stderr } = await desk.sotto(['chat', '--system', 'brief'], {
      stdin: ['one\n', 'two\n', 'three\n', 'four\n', '/exit\n'],
      stdinTerminal: true,
    })
    expect([code, stdout]).toEqual([0, 'Good day\n'.repeat(4)])
    const said = stderr.split('\n').filter((line) => line.includes('dropped'))
    expect(said).toEqual([
      'the context is full: dropped the oldest turn',
      'the context is full: dropped the oldest turn',
    ])
    const asked = bodies.map((body) =>
      (body['messages'] as { content: string }[]).map(({ content }) => content),
    )
    expect(asked.at(-1)).toEqual(['brief', 'three', 'Good day', 'four'])
    expect(asked.filter((texts) => texts.length > 4)).toHaveLength(2)
  })

  it('fails where not even the last question fits', async () => {
    desk.service.knobs.app = () =>
      Response.json({ error: { message: 'too long', code: 'context_length_exceeded' } }, { status: 400 })
    const asked = await desk.sotto(['chat', '-q'], { stdin: ['one\n'], stdinTerminal: true })
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('too long') })
  })

  it('ends a conversation at the end of input', async () => {
    expect((await desk.sotto(['chat', '-q'], { stdin: ['one\n'], stdinTerminal: true })).code).toBe(0)
  })

  it('forgets an answer that Ctrl-C stops, and exits 130 for Ctrl-C at the prompt', async () => {
    let answers = 0
    desk.service.knobs.app = async (request) => {
      bodies.push((await request.json()) as Record<string, unknown>)
      if (++answers > 1) return chat(['fine'])
      keys.push('\u0003')
      return new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })
    }
    const keys = new Readable({ read() {} })
    keys.push('one\n')
    const running = desk.sotto(['chat'], { stdinStream: keys, stdinTerminal: true })
    await vi.waitFor(() => expect(answers).toBe(1), { timeout: 10_000 })
    keys.push('two\n')
    await vi.waitFor(() => expect(answers).toBe(2), { timeout: 10_000 })
    keys.push('\u0003')
    const { code, stdout, stderr } = await running
    expect([code, stdout]).toEqual([130, 'fine\n'])
    expect(stderr).toContain('stopped; the unfinished answer is forgotten')
    expect(bodies.at(-1)!['messages']).toEqual([{ role: 'user', content: 'two' }])
  })

  it('exits 2 for an empty message, before anything is sent', async () => {
    const { code, stderr } = await desk.sotto(['chat', '-m', ' '])
    expect([code, stderr]).toEqual([2, 'error: the message is empty [CLI_USAGE]\nhint: pass -m TEXT\n'])
    expect(bodies).toEqual([])
  })

  it('says the bounds of a number once', async () => {
    const { code, stderr } = await desk.sotto(['chat', '-m', 'hi', '--temperature', '9'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: --temperature takes a number from 0 to 2 \[CLI_USAGE\]\n/)
  })

  it('wants one message for --json', async () => {
    expect((await desk.sotto(['chat', '--json'], { stdinTerminal: true })).code).toBe(2)
    expect(traffic(desk.service)).toEqual([])
  })
})

describe('sotto summarize', () => {
  it('prints the summary of a file', async () => {
    desk.write('long.txt', 'A long text.')
    const { code, stdout } = await desk.sotto(['summarize', 'long.txt', '--max-words', '5', '-q'])
    expect([code, stdout, bodies]).toEqual([0, 'Short.\n', [{ input: 'A long text.', max_words: 5 }]])
  })

  it('prints everything with --json', async () => {
    const { stdout } = await desk.sotto(['summarize', '-', '--json', '-q'], { stdin: ['text'] })
    expect(JSON.parse(stdout)).toMatchObject({ summary: 'Short.', sotto: { verified: true } })
  })

  it('exits 2 for blank text', async () => {
    desk.write('blank.txt', '\n')
    expect((await desk.sotto(['summarize', 'blank.txt'])).code).toBe(2)
    expect(traffic(desk.service)).toEqual([])
  })

  it('compares with a reference', async () => {
    desk.write('long.txt', 'Long text.')
    desk.write('reference.txt', 'Short and sweet.')
    const argv = ['summarize', 'long.txt', '--reference', 'reference.txt']
    const { code, stdout, stderr } = await desk.sotto(argv)
    expect([code, stdout]).toEqual([0, 'Short.\n'])
    expect(stderr).toMatch(/ROUGE-1 0\.500, ROUGE-2 0\.000, ROUGE-L 0\.500 \(F1\), BLEU-4 0\.135, \d+\.\d s/)
    const whole = JSON.parse((await desk.sotto([...argv, '--json', '-q'])).stdout) as object
    expect(whole).toMatchObject({ summary: 'Short.', quality: { rouge1: 0.5, rouge2: 0, rougeL: 0.5 } })
    expect((await desk.sotto(['summarize', '-', '--reference', '-'], { stdin: ['x'] })).code).toBe(2)
  })
})

describe('sotto embed', () => {
  it('prints one vector a line', async () => {
    expect((await desk.sotto(['embed', 'a', 'bcd', '-q'])).stdout).toBe('[1,0.5]\n[3,0.5]\n')
  })

  it('reads lines from standard input', async () => {
    const { stdout } = await desk.sotto(['embed', 'x', '-', '-q'], { stdin: ['four\r\nfi', 've!\n\n'] })
    expect(stdout).toBe('[1,0.5]\n[4,0.5]\n[5,0.5]\n')
  })

  it('refuses an answer with another number of vectors', async () => {
    desk.service.knobs.app = () => Response.json({ data: [] })
    expect((await desk.sotto(['embed', 'a', '-q'])).code).toBe(1)
  })
})

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { understand } from '../../src/conversation/index.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import type { RunResult } from '../support/memory-io.ts'

interface Asked {
  model?: string
  messages: { role: string; content: string }[]
}

let desk: Desk
let asked: Asked[] = []
beforeAll(async () => void (desk = await createDesk()))
beforeEach(() => {
  asked = []
  desk.service.knobs.app = async (request) => {
    if (request.url.endsWith('/models')) return Response.json({ data: [{ id: 'small' }, { id: 'large' }] })
    const body = (await request.json()) as Asked
    asked.push(body)
    return answer(`to ${body.messages.at(-1)!.content}`)
  }
})
afterAll(() => desk.clear())

function answer(content: string): Response {
  const event = JSON.stringify({ choices: [{ delta: { content } }] })
  return new Response(`data: ${event}\n\ndata: [DONE]\n\n`, {
    headers: { 'content-type': 'text/event-stream' },
  })
}

/** Types at a terminal, one message after the other. */
function type(...typed: string[]): Promise<RunResult> {
  return desk.sotto(['chat', '--no-color'], {
    stdinStream: Readable.from(typed),
    stdinTerminal: true,
    stderrTerminal: true,
  })
}

const contents = (): string[][] => asked.map(({ messages }) => messages.map(({ content }) => content))

describe('what was proven', () => {
  it('stands in one line before anything is typed; a software TEE cannot be missed', async () => {
    const { stderr } = await type('/quit\n')
    const line = stderr.split('\n').find((one) => one.includes('verified'))
    expect(line).toMatch(
      /^! verified, but on a SOFTWARE TEE, not hardware · release kms \S+ in the log · log \S+, \d+ entries · \d+ witness/,
    )
    expect(stderr.indexOf(line!)).toBeLessThan(stderr.indexOf('> '))
  })

  it('shows step by step with /verify', async () => {
    const { stderr } = await type('/verify\n')
    for (const step of ['log.witnesses', 'kms.evidence', 'kms.measurement', 'keys.receipt'])
      expect(stderr).toContain(`✓ ${step}`)
    expect(stderr).toMatch(/you trust: .+\nchecked again after \d{4}-/)
  })

  it('has no colour where NO_COLOR says so', async () => {
    const terminals = { stdoutTerminal: true, stderrTerminal: true }
    const [plain, coloured] = [{ ...terminals, env: { NO_COLOR: '1' } }, terminals]
    expect((await desk.sotto(['chat', '-m', 'hi'], plain)).stderr).not.toContain('\u001B')
    expect((await desk.sotto(['chat', '-m', 'hi'], coloured)).stderr).toContain('\u001B[33m! verified')
  })

  it('is not said where nobody looks', async () => {
    const { stderr } = await desk.sotto(['chat', '-m', 'hi'])
    expect(stderr).not.toContain('verified')
  })
})

describe('commands', () => {
  it('are listed by /help, and none of them is sent', async () => {
    const { code, stdout, stderr } = await type('/help\n', '/nonsense\n')
    for (const name of ['help', 'model', 'system', 'clear', 'save', 'verify', 'quit'])
      expect(stderr).toContain(`  /${name}`)
    expect(stderr).toContain('no command /nonsense [CLI_USAGE]\nhint: type /help')
    expect([code, stdout, asked]).toEqual([0, '', []])
  })

  it('change model and instructions for what follows', async () => {
    const { stderr } = await type(
      '/model\n',
      '/model huge\n',
      '/model large\n',
      '/system be brief\n',
      'one\n',
      '/system -\n',
      'two\n',
    )
    expect(stderr).toContain('there are small, large')
    expect(stderr).toContain('no model huge')
    expect(asked.map(({ model }) => model)).toEqual(['large', 'large'])
    expect(contents()).toEqual([
      ['be brief', 'one'],
      ['one', 'to one', 'two'],
    ])
  })

  it('write to a disk only when they are asked to, for the owner alone, and never over anything', async () => {
    const file = join(desk.cwd, 'said.md')
    const { stderr } = await type(
      '/save said.md\n',
      'secret\n',
      '/save said.md\n',
      '/save said.md\n',
      '/save\n',
    )
    expect(stderr).toContain('nothing was said yet')
    expect(stderr).toContain('saved in said.md, in clear')
    expect(stderr).toContain('exists already')
    expect(readFileSync(file, 'utf8')).toBe('## You\n\nsecret\n\n## Answer\n\nto secret\n')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('save no escape sequence for whoever shows the file', async () => {
    desk.service.knobs.app = () => answer('a\u001B]52;c;YQ==\u0007b')
    await type('x\n', '/save hostile.md\n')
    expect(readFileSync(join(desk.cwd, 'hostile.md'), 'utf8')).toContain('a\uFFFD]52;c;YQ==\uFFFDb')
  })

  it('are one line: pasted text that begins like one is a question', () => {
    expect(understand('/save x\nmore')).toMatchObject({ kind: 'question', text: '/save x\nmore' })
    expect(understand(' /usr/bin/env')).toMatchObject({ kind: 'question', text: '/usr/bin/env' })
    expect(understand('/exit')).toEqual({ kind: 'quit' })
  })
})

describe('an answer that streams', () => {
  it.each([
    ['Ctrl-C twice', '\u0003\u0003', 130],
    ['Ctrl-D', '\u0004', 0],
  ])('is left with %s', async (_keys, keys, expected) => {
    const stdinStream = new Readable({ read() {} })
    desk.service.knobs.app = () => {
      stdinStream.push(keys)
      return new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })
    }
    stdinStream.push('one\n')
    const { code, stdout } = await desk.sotto(['chat', '-q'], { stdinStream, stdinTerminal: true })
    expect([code, stdout]).toEqual([expected, ''])
  })
})

describe('a message', () => {
  it('goes on after a backslash, and over pasted lines', async () => {
    await type('one\\\n', 'two\n', '\u001B[200~a\nb\u001B[201~', '\n')
    expect(contents().map((all) => all.at(-1))).toEqual(['one\ntwo', 'a\nb'])
  })

  it('comes back with an arrow key, and nothing of it is on the disk', async () => {
    await type('again\n', '\u001B[A\n')
    expect(contents().map((all) => all.at(-1))).toEqual(['again', 'again'])
  })

  it('that is not sent yet goes with Ctrl-C, and the conversation stays', async () => {
    const { code } = await type('half\u0003', 'whole\n')
    expect([code, contents()]).toEqual([0, [['whole']]])
  })

  it('whose answer fails is forgotten with it; the next one is answered', async () => {
    const good = desk.service.knobs.app
    desk.service.knobs.app = (request) => {
      desk.service.knobs.app = good
      void request
      return Response.json({ error: { message: 'one moment', code: 'engine_busy' } }, { status: 503 })
    }
    const { code, stdout, stderr } = await type('one\n', 'two\n')
    expect(stderr).toContain('the service answered: one moment [CLI_PENDING engine_busy]')
    expect([code, stdout, contents()]).toEqual([0, 'to two\n', [['two']]])
  })

  it('whose receipt is forged ends the conversation', async () => {
    desk.service.knobs.receipt = (receipt) => ({ ...receipt, response: '0'.repeat(64) })
    const { code } = await type('one\n', 'two\n')
    desk.service.knobs.receipt = (same) => same
    expect([code, asked.length]).toEqual([3, 1])
  })
})

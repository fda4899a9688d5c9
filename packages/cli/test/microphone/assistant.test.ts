import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { runCli } from '../../src/framework/index.ts'
import { commands } from '../../src/commands/index.ts'
import { findRecorder } from '../../src/microphone/index.ts'
import { RELAY } from '../../../client/test/support/service.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { memoryIo } from '../support/memory-io.ts'

let desk: Desk
let heard: Buffer[] = []
let asked: string[] = []
let transcript = '/quit'
beforeAll(async () => void (desk = await createDesk()))
beforeEach(() => {
  heard = []
  asked = []
  transcript = '/quit'
  desk.service.knobs.app = async (request) => {
    if (request.url.endsWith('/chat/completions')) {
      const { messages } = (await request.json()) as { messages: { content: string }[] }
      asked.push(messages.at(-1)!.content)
      return sse([{ choices: [{ delta: { content: 'Good day' } }] }, '[DONE]'])
    }
    const file = (await request.formData()).get('file') as File
    heard.push(Buffer.from(await file.arrayBuffer()))
    return sse([
      { type: 'transcript.text.delta', delta: transcript },
      { type: 'transcript.text.done', text: transcript },
    ])
  }
})
afterAll(() => desk.clear())

function sse(events: readonly unknown[]): Response {
  const lines = events.map(
    (event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`,
  )
  return new Response(lines.join(''), { headers: { 'content-type': 'text/event-stream' } })
}

/** A folder with one program in it, in the place of the machine's own. */
function install(name: string, script: string): string {
  const folder = join(desk.cwd, `bin-${name}-${script.length}`)
  mkdirSync(folder, { recursive: true })
  desk.write(join(`bin-${name}-${script.length}`, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, name), 0o755)
  return folder
}

describe('a recorded question', () => {
  it('goes to standard error, its answer to standard output', async () => {
    transcript = 'Who is there?'
    const { code, stdout, stderr } = await desk.sotto(['assistant', '-'], { stdin: ['RIFF'] })
    expect([code, stdout, asked]).toEqual([0, 'Good day\n', ['Who is there?']])
    expect(stderr).toContain('\nWho is there?\n')
  })

  it('is in one document with --json', async () => {
    const { stdout } = await desk.sotto(['assistant', '-', '--json'], { stdin: ['RIFF'] })
    expect(JSON.parse(stdout)).toMatchObject({
      question: '/quit',
      content: 'Good day',
      sotto: { verified: true, software: true, receipts: [{ version: 1 }, { version: 1 }] },
    })
  })

  it('that says nothing is an error', async () => {
    transcript = ' '
    const { code, stderr } = await desk.sotto(['assistant', '-', '-q'], { stdin: ['RIFF'] })
    expect([code, stderr.includes('nothing was understood')]).toEqual([2, true])
  })

  it('is needed where there is no terminal', async () => {
    expect((await desk.sotto(['assistant'])).stderr).toContain('hint: name a recording')
  })
})

describe('a spoken question', () => {
  /** Starts `sotto assistant` at a terminal. */
  function start(path: string): {
    keys: PassThrough
    stderr(): string
    stdout(): string
    running: Promise<number>
  } {
    const keys = new PassThrough()
    const world = memoryIo({
      cwd: desk.cwd,
      fetch: desk.service.fetch,
      nowMs: () => desk.service.world.now * 1000,
      env: {
        SOTTO_HOST: RELAY,
        SOTTO_POLICY: 'policy.json',
        SOTTO_CONFIG_DIR: join(desk.cwd, 'config'),
        PATH: path,
      },
      stdinStream: keys,
      stdinTerminal: true,
      stderrTerminal: true,
    })
    const running = runCli(['assistant', '--no-color'], world.io, { commands, version: '1' })
    return { keys, stderr: world.stderr, stdout: world.stdout, running }
  }

  it('is recorded between two times Enter, and never taken for a command', async () => {
    const bin = install('arecord', 'printf abcdefgh; exec sleep 30')
    const { keys, stderr, stdout, running } = start([bin, '/usr/bin', '/bin'].join(delimiter))
    await vi.waitFor(() => expect(stderr()).toContain('Enter to speak'), { timeout: 20_000 })
    keys.write('\r')
    await vi.waitFor(() => expect(stderr()).toContain('listening'), { timeout: 20_000 })
    await new Promise((resolve) => setTimeout(resolve, 300))
    keys.write('\r')
    await vi.waitFor(() => expect(stdout()).toBe('Good day\n'), { timeout: 20_000 })
    keys.end('\u0004')
    expect(await running).toBe(0)
    expect(asked).toEqual(['/quit'])
    expect(heard[0]!.subarray(0, 4).toString()).toBe('RIFF')
    expect(heard[0]!.subarray(44).toString()).toBe('abcdefgh')
  })

  it('ends though the program does not, and leaves nothing of it behind', async () => {
    const file = join(desk.cwd, 'pid')
    const bin = install('arecord', `trap '' TERM; echo $$ >'${file}'; printf abcd; while :; do sleep 1; done`)
    const { keys, stderr, stdout, running } = start([bin, '/usr/bin', '/bin'].join(delimiter))
    await vi.waitFor(() => expect(stderr()).toContain('Enter to speak'), { timeout: 20_000 })
    keys.write('\r')
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toMatch(/\n$/), { timeout: 20_000 })
    const pid = Number(readFileSync(file, 'utf8'))
    onTestFinished(() => void spawnSync('kill', ['-9', `${pid}`]))
    await new Promise((resolve) => setTimeout(resolve, 300))
    keys.write('\r')
    await vi.waitFor(() => expect(stdout()).toBe('Good day\n'), { timeout: 20_000 })
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
    expect(heard[0]!.subarray(44).toString()).toBe('abcd')
    keys.end('\u0004')
    expect(await running).toBe(0)
  })

  it('cannot be where nothing records: what to install is said before anything is asked', async () => {
    const { running, stderr } = start('/nonexistent')
    expect(await running).toBe(2)
    expect(stderr()).toMatch(
      /MICROPHONE_MISSING\]\n {2}expected: arecord, sox, ffmpeg\nhint: install .*sotto assistant FILE/,
    )
  })

  it('fails with what the program says, and the conversation goes on', async () => {
    const bin = install('sox', 'echo "cannot \u001B[2J open device" >&2; exit 1')
    const { keys, stderr, running } = start(bin)
    await vi.waitFor(() => expect(stderr()).toContain('Enter to speak'), { timeout: 20_000 })
    keys.write('\r')
    await vi.waitFor(() => expect(stderr()).toContain('MICROPHONE_FAILED'), { timeout: 20_000 })
    expect(stderr()).toContain('found:    cannot \uFFFD[2J open device')
    keys.write('hello\r')
    await vi.waitFor(() => expect(asked).toEqual(['hello']), { timeout: 20_000 })
    keys.end('\u0004')
    expect(await running).toBe(0)
  })
})

describe('the program that records', () => {
  it('is the first there is, told which microphone as it wants to be told', () => {
    const [sox, ffmpeg] = [install('sox', 'true'), install('ffmpeg', 'true')]
    const at = (platform: NodeJS.Platform, ...path: string[]): ReturnType<typeof findRecorder> =>
      findRecorder({ platform, env: { PATH: path.join(delimiter) } }, 'mic')
    expect(at('linux', 'relative', '', ffmpeg, sox)).toMatchObject({
      program: join(sox, 'sox'),
      env: { AUDIODEV: 'mic' },
    })
    expect(at('linux', ffmpeg).args).toEqual(expect.arrayContaining(['-f', 'pulse', '-i', 'mic']))
    expect(at('darwin', ffmpeg).args).toEqual(expect.arrayContaining(['-f', 'avfoundation', '-i', 'mic']))
    for (const { args } of [at('linux', sox), at('linux', ffmpeg)]) expect(args).toContain('16000')
  })
})

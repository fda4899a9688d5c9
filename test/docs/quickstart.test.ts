import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePage } from '../../scripts/docs/markdown.ts'
import { type CommandDesk, LONG, openCommandDesk } from '../stack/commands.ts'
import { mismatch } from './shapes.ts'

/** Debian has it as python3; a machine without runs the other steps. */
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) process.stderr.write('skipped: one step of the quickstart needs python3\n')

const root = resolve(import.meta.dirname, '../..')

/** A block of a page that is run, and the output that stands below it. */
interface Step {
  language: string
  code: string
  output: string | undefined
}

function fencesOf(page: string): readonly { readonly info: string; readonly content: string }[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8')
  return parsePage(text).tokens.filter(({ type }) => type === 'fence')
}

function stepsOf(page: string): Step[] {
  const fences = fencesOf(page)
  return fences.flatMap(({ info, content }, index) => {
    const [language = '', how] = info.split(/\s+/)
    if (how !== 'run') return []
    const rest = fences.slice(index + 1)
    // A program is shown, then how to start it, then what it says.
    const below = rest[0]?.info === 'sh' ? rest[1] : rest[0]
    const output = below?.info === 'text output' ? below.content : undefined
    return [{ language, code: content, output }]
  })
}

/** What differs from run to run: digests, ids, times, ports, processes, and how far the log is. */
function steady(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{24,}/g, 'HEX')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
    .replaceAll(/("created":|process +|checkpoint |\b(?=\d+ (?:entries|new)))\d+/g, '$1N')
}

/** Whether an output says what the page shows: its lines in their order; where `…` stands, others may be. */
function shows(shown: string, output: string): string[] {
  const lines = steady(output).trimEnd().split('\n')
  let at = 0
  let mayskip = false
  return steady(shown)
    .trimEnd()
    .split('\n')
    .filter((line) => {
      if (line === '…') return !(mayskip = true)
      const found = mayskip ? lines.indexOf(line, at) : lines[at] === line ? at : -1
      mayskip = false
      if (found < 0) return true
      at = found + 1
      return false
    })
}

describe('the examples of the pages, against a service on this machine', () => {
  let desk: CommandDesk
  let env: NodeJS.ProcessEnv
  let port: number
  let started: string
  let proxy: Promise<string> | undefined
  beforeAll(async () => {
    desk = await openCommandDesk()
    const bin = join(desk.folder, 'bin')
    await mkdir(bin)
    const sotto = join(root, 'dist/cli/sotto.js')
    for (const [name, line] of [
      ['sotto', `exec ${process.execPath} ${sotto} "$@"`],
      ['npx', 'exec "$@"'],
    ] as const) {
      await writeFile(join(bin, name), `#!/bin/sh\n${line}\n`)
      await chmod(join(bin, name), 0o755)
    }
    // A clone, as far as the examples look at one.
    for (const name of ['models', 'node_modules']) await symlink(join(root, name), join(desk.folder, name))
    port = await freePort()
    const path = [bin, dirname(process.execPath), process.env['PATH']].join(delimiter)
    env = { PATH: path, HOME: desk.folder, TMPDIR: desk.folder }
    const up = desk.sotto(['up', '-d'])
    expect(await up.ended, up.output.stderr).toBe(0)
    started = up.output.stdout
  }, LONG)
  afterAll(() => desk.close())

  /** Goes on while the others are run. @returns what it said at its start */
  function startProxy(): Promise<string> {
    proxy ??= (async () => {
      const { output, printed } = desk.sotto(['proxy', '-p', String(port)])
      await printed('press Ctrl-C')
      return output.stderr + output.stdout
    })()
    return proxy
  }

  async function run({ language, code }: Step): Promise<string> {
    const text = code.replaceAll('8787', String(port))
    if (language === 'ts') await writeFile(join(desk.folder, 'ask.ts'), text)
    const [command, ...args] =
      language === 'sh'
        ? ['sh', '-ec', text]
        : language === 'ts'
          ? [process.execPath, 'ask.ts']
          : ['python3', '-c', text]
    const child = spawn(command!, args, { cwd: desk.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const [exit] = (await once(child, 'close')) as [number]
    expect(exit, `${text}\n${out}${err}`).toBe(0)
    return out
  }

  it('the quickstart says what really comes, step by step', { timeout: LONG }, async () => {
    const steps = stepsOf('quickstart.md')
    expect(steps.map(({ language }) => language)).toEqual([
      'sh',
      'sh',
      'sh',
      'sh',
      'sh',
      'python',
      'ts',
      'sh',
      'sh',
    ])
    for (const step of steps) {
      // Ended below.
      if (step.code.includes('sotto down')) continue
      if (step.language === 'python' && !hasPython) continue
      const [, goesOn] = /sotto (up|proxy)/.exec(step.code) ?? []
      const output = goesOn === 'up' ? started : goesOn === 'proxy' ? await startProxy() : await run(step)
      expect(shows(step.output!, output), `${step.code}\n${output}`).toEqual([])
      // Another page shows more of it.
      const more = step.code.includes('sotto verify') ? fencesOf('verify.md') : []
      for (const { info, content } of more)
        if (info === 'text output') expect(shows(content, output), output).toEqual([])
    }
  })

  it('so do the guides', { timeout: LONG }, async () => {
    const steps = ['guides/client.md', 'guides/auditor.md'].flatMap((page) => stepsOf(page))
    expect(steps.length).toBe(3)
    for (const step of steps) {
      const output = await run(step)
      expect(shows(step.output!, output), `${step.code}\n${output}`).toEqual([])
    }
  })

  it('answers have the shapes that the OpenAPI document states', { timeout: LONG }, async () => {
    await startProxy()
    const base = `http://127.0.0.1:${port}`
    const ask = (path: string, body?: object | FormData): Promise<Response> =>
      fetch(base + path, {
        ...(body !== undefined && {
          method: 'POST',
          body: body instanceof FormData ? body : JSON.stringify(body),
        }),
        ...(body !== undefined &&
          !(body instanceof FormData) && { headers: { 'content-type': 'application/json' } }),
      })
    const recording = (): FormData => {
      const form = new FormData()
      form.set('response_format', 'verbose_json')
      form.set('file', new Blob([readFileSync(join(root, 'models/demo/session-note.wav'))]), 'note.wav')
      return form
    }
    const messages = [{ role: 'user', content: 'Who can read my words?' }]
    for (const [shape, path, body] of [
      ['ModelList', '/v1/models'],
      ['Model', '/v1/models/sotto-hash-embed'],
      ['ChatCompletion', '/v1/chat/completions', { messages, max_tokens: 8 }],
      ['Completion', '/v1/completions', { prompt: 'Once', max_tokens: 4 }],
      ['Response', '/v1/responses', { input: 'Who can read my words?', max_output_tokens: 8 }],
      ['Embeddings', '/v1/embeddings', { input: ['a', 'b'] }],
      ['Summary', '/v1/summaries', { input: 'One sentence. Another sentence follows it.' }],
      ['VerboseTranscription', '/v1/audio/transcriptions', recording()],
      ['Error', '/v1/chat/completions', { messages, store: true }],
      ['TensorServer', '/v2'],
      ['TensorIndex', '/v2/repository/index', {}],
      ['TensorError', '/v2/models/none'],
    ] as [string, string, (object | FormData)?][]) {
      const answer: unknown = await (await ask(path, body)).json()
      expect(mismatch(shape, answer), `${shape}: ${JSON.stringify(answer).slice(0, 600)}`).toBeUndefined()
    }
    expect(mismatch('Model', { id: 'x' })).toBeDefined()
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

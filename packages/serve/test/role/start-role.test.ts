import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const SCRIPT = fileURLToPath(new URL('./fixture-role.ts', import.meta.url))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Started {
  child: ChildProcess
  output: () => string
  exit: Promise<number | null>
}

function start(
  args: string[],
  options: { env?: Record<string, string>; node?: string[]; shell?: string } = {},
): Started {
  const command = `ulimit -c ${options.shell ?? '0'} && exec "$0" "$@"`
  const child = spawn(
    '/bin/sh',
    ['-c', command, process.execPath, ...(options.node ?? []), SCRIPT, ...args],
    {
      env: { PATH: process.env['PATH'], ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream!.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = Promise.all([once(child, 'exit'), once(child.stdout!, 'end'), once(child.stderr!, 'end')])
  return { child, output: () => output, exit: ended.then(([[code]]) => code as number | null) }
}

async function ready({ child }: Started): Promise<string> {
  const [message] = (await once(child, 'message')) as [{ type: string; role: string; urls: { url: string } }]
  expect(message).toMatchObject({ type: 'ready', role: 'fixture' })
  return message.urls.url
}

test('reports ready, keeps its inspector shut, and drains on SIGTERM', async () => {
  const role = start(['--config', 'x'])
  const url = await ready(role)
  role.child.kill('SIGUSR1')
  expect(await (await fetch(url)).text()).toBe('closed')
  const last = fetch(url)
  await new Promise((resolve) => setTimeout(resolve, 80))
  role.child.kill('SIGTERM')
  expect((await last).status).toBe(200)
  expect(await role.exit).toBe(0)
  expect(role.output()).toBe('')
})

test.each([
  ['slow', 'is cut off', ''],
  ['slower', 'gets the time that it asked for', 'finished'],
])('a shutdown that takes longer (%s) %s', async (config, _, output) => {
  const role = start(['--config', config])
  await ready(role)
  role.child.kill('SIGTERM')
  expect(await role.exit).toBe(0)
  expect(role.output()).toBe(output)
})

test('ends when its parent is gone', async () => {
  const role = start(['--config', 'x'])
  await ready(role)
  role.child.disconnect()
  expect(await role.exit).toBe(0)
})

test.each([
  ['at start', 'throw'],
  ['later', 'later'],
])('an unforeseen error %s ends it without its words', async (_, config) => {
  const role = start(['--config', config])
  expect(await role.exit).toBe(1)
  expect(role.output()).toBe('error: fixture: INTERNAL\n')
})

test.each<[string, string[], Parameters<typeof start>[1], string]>([
  ['no configuration', [], {}, 'ROLE_USAGE'],
  ['more arguments', ['--config', 'x', '--insecure'], {}, 'ROLE_USAGE'],
  ['NODE_OPTIONS', ['--config', 'x'], { env: { NODE_OPTIONS: '--no-warnings' } }, 'ROLE_UNSAFE'],
  ['an inspector', ['--config', 'x'], { node: ['--inspect=127.0.0.1:0'] }, 'ROLE_UNSAFE'],
])('refuses to start with %s', async (_, args, options, code) => {
  const role = start(args, options)
  expect(await role.exit).toBe(1)
  expect(role.output()).toContain(`error: fixture: ${code}`)
})

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Container, isHelmMissing, podsOf, render, run } from './tools.ts'
import { WHOLE } from './values.ts'

const containerOf = async (component: string, name: string): Promise<Container> => {
  const { spec } = podsOf(await render(WHOLE)).find((pod) => pod.component === component)!
  return [...(spec.initContainers ?? []), ...spec.containers].find((container) => container.name === name)!
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-pod-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe.skipIf(isHelmMissing)('what pods run', () => {
  it('starts every role without core dumps, with the words of its launcher', async () => {
    for (const { component, spec } of podsOf(await render(WHOLE))) {
      if (component === 'test') continue
      const { command, args } = spec.containers[0]!
      const [shell, flag, script, node, ...flags] = command
      expect(flags, component).toEqual([
        '--max-semi-space-size=1',
        '--external-memory-accounted-in-global-limit',
      ])
      const folder =
        { kms: '/opt/sotto/kms', enclave: '/opt/sotto/inference' }[component] ?? '/opt/sotto/edge'
      expect(node, component).toBe(`${folder}/bin/node`)
      const entry =
        { kms: 'role.js', enclave: 'role.js', proxy: 'dist/cli/sotto.js' }[component] ?? `${component}.js`
      expect(args[0], component).toBe(entry)
      const ran = await run(shell!, [flag!, script!, '/bin/sh', '-c', 'ulimit -c; echo "$@"', 'sh', ...args])
      expect(ran.stdout, component).toBe(`0\n${args.join(' ')}\n`)
    }
  })

  it('begins an empty store with a key that exists, and refuses another one', async () => {
    const { command, args } = await containerOf('log', 'key')
    expect(args).toEqual(['/run/secrets/sotto/log.key', '/var/lib/sotto/log', '/var/lib/sotto/log/log.key'])
    const folder = temporaryFolder()
    const [secret, store] = [join(folder, 'secret'), join(folder, 'store')]
    const begin = () => run(command[0]!, [...command.slice(1), secret, store, join(store, 'log.key')])
    writeFileSync(secret, 'PRIVATE+KEY+one\n')
    expect((await begin()).code).toBe(0)
    expect(statSync(store).mode & 0o777).toBe(0o700)
    expect(statSync(join(store, 'log.key')).mode & 0o777).toBe(0o600)
    // Again, as at every start of the pod.
    expect((await begin()).code).toBe(0)
    expect(readFileSync(join(store, 'log.key'), 'utf8')).toBe('PRIVATE+KEY+one\n')
    writeFileSync(secret, 'PRIVATE+KEY+two\n')
    const other = await begin()
    expect(other.code).toBe(1)
    expect(other.stderr).toBe('error: the store has another key than the Secret: expected the same\n')
    expect(readFileSync(join(store, 'log.key'), 'utf8')).toBe('PRIVATE+KEY+one\n')
  })

  it('ends where the key is not there', async () => {
    const { command } = await containerOf('witness', 'key')
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'store'))
    const { code } = await run(command[0]!, [
      ...command.slice(1),
      join(folder, 'none'),
      join(folder, 'store'),
      join(folder, 'store/witness.key'),
    ])
    expect(code).not.toBe(0)
    expect(() => statSync(join(folder, 'store/witness.key'))).toThrow('ENOENT')
  })

  it('passes connections on to the relay, both ways and to their end', async () => {
    const { command, args, env } = await containerOf('test', 'relay')
    expect(args).toEqual(['town-relay.sotto.svc.cluster.local', '8080', '8788'])
    expect(env).toBeUndefined()
    const relay = createServer((request, response) => {
      request.pipe(response)
    })
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
    const port = (relay.address() as AddressInfo).port
    const local = await freePort()
    const child = spawn(process.execPath, [...command.slice(1), '127.0.0.1', `${port}`, `${local}`], {
      stdio: 'ignore',
    })
    onTestFinished(() => {
      relay.close()
    })
    await listening(local)
    const body = 'x'.repeat(2 ** 20)
    const answer = await fetch(`http://127.0.0.1:${local}/relay/inference`, { method: 'POST', body })
    expect(await answer.text()).toBe(body)
    // Kubernetes ends it behind the others: at once.
    expect(await ended(child)).toBe(0)
  })

  it('lets nobody but its own pod use that way', async () => {
    const { command } = await containerOf('proxy', 'relay')
    expect(command.at(-1)).toContain("listen(Number(local), '127.0.0.1')")
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function listening(port: number): Promise<void> {
  await expect
    .poll(
      () =>
        new Promise<boolean>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => resolve(true))
          socket.once('error', () => resolve(false))
          socket.once('connect', () => socket.destroy())
        }),
    )
    .toBe(true)
}

async function ended(child: ChildProcess): Promise<number | null> {
  const done = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  return done
}

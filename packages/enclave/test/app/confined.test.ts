import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type ListenOptions, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listenersOf } from '../../src/app/listeners.ts'
import {
  archiveOf,
  type HostedApp,
  hostApp,
  isReadByOrdinaryUser,
  server,
  sha256,
  whyNotHere,
} from './real-app.ts'

const isRoot = process.getuid?.() === 0
const PORT = 23_987
const API_PORT = 61_080
const CHECKOUT = resolve(import.meta.dirname, '../../../..')

/** What it is told to run, and what came of it. */
const RUNS_ANYTHING = server(
  `
  if (request.url === '/run') {
    let text = ''
    for await (const piece of request) text += piece
    try {
      const run = new Function('net', 'dgram', 'fs', 'child', 'return (async () => {' + text + '})()')
      return response.end(JSON.stringify(await run(net, dgram, fs, child) ?? null))
    } catch (error) {
      return response.end(JSON.stringify(error.code ?? String(error)))
    }
  }
`,
  "import net from 'node:net'; import dgram from 'node:dgram'; import fs from 'node:fs'; import child from 'node:child_process'",
)

/** Tells whether a socket connects. */
const connects = (options: object): string => `
  return new Promise((resolve) => {
    const socket = net.connect(${JSON.stringify(options)}, () => resolve('connected'))
    socket.on('error', (error) => resolve(error.code))
    setTimeout(() => resolve('silence'), 2000)
  })`

const canBeOrdinary = isRoot && isReadByOrdinaryUser(CHECKOUT)
if (!isRoot) process.stderr.write('skipped: not root, so no app gets a uid of its own here\n')
else if (!canBeOrdinary)
  process.stderr.write('skipped: only root reads this checkout, so no ordinary user runs an app from it\n')

/** As root with uids of their own, and as an ordinary user; whoever runs the tests is one of them. */
describe
  .skipIf((await whyNotHere()) !== undefined)
  .each([
    ...(isRoot ? [{ name: 'of root', as: 'same', uid: 'own' } as const] : []),
    ...(!isRoot || canBeOrdinary
      ? [{ name: 'of an ordinary user', as: isRoot ? 'ordinary-user' : 'same', uid: 'shared' } as const]
      : []),
  ])('an app $name', ({ as, uid }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-confined-'))
  const before = listenersOf('/proc/self/net')
  const servers: Server[] = []
  let reached = 0
  let app: HostedApp

  async function listen(options: ListenOptions): Promise<Server> {
    const listening = createServer((socket) => {
      reached++
      socket.destroy()
    })
    await new Promise<void>((done) => listening.listen(options, done))
    servers.push(listening)
    return listening
  }
  const run = async (code: string): Promise<unknown> => JSON.parse(await app.post('/run', code))
  const shell = (command: string): Promise<unknown> =>
    run(`return child.spawnSync('/bin/sh', ['-c', ${JSON.stringify(command)}], { encoding: 'utf8' }).stdout`)

  beforeAll(async () => {
    const archive = archiveOf({ 'server.mjs': RUNS_ANYTHING })
    writeFileSync(join(folder, 'code.tar'), archive)
    const config = {
      name: 'attack',
      directory: folder,
      code: { file: 'code.tar', sha256: sha256(archive) },
      command: ['node', 'server.mjs'],
      env: {},
      port: PORT,
      healthcheck: { path: '/health', startSeconds: 20 },
      memoryBytes: 2 ** 30,
    }
    app = await hostApp(config, as)
  })

  afterAll(async () => {
    await app?.close()
    for (const each of servers) each.close()
    rmSync(folder, { recursive: true })
  })

  it('is confined as the report says', async () => {
    expect(app.sandbox).toMatchObject({ uid, sockets: 'filtered', full: uid === 'own' })
    expect(await run('return process.getuid()')).toBeGreaterThanOrEqual(64_000)
  })

  it('reaches no port of this machine by any of its addresses, and nothing beyond', async () => {
    const anywhere = await listen({ port: 0, host: '0.0.0.0' })
    const { port } = anywhere.address() as { port: number }
    const own = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .map(({ address }) => address)
    for (const host of new Set(['127.0.0.1', '::1', '0.0.0.0', ...own, '169.254.169.254', '192.0.2.1']))
      expect(await run(connects({ host, port })), host).not.toBe('connected')
    expect(reached).toBe(0)
  })

  it('sends no datagram out', async () => {
    const socket = createSocket('udp4')
    let received = 0
    socket.on('message', () => received++)
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done))
    await run(`
      const socket = dgram.createSocket('udp4')
      return new Promise((resolve) => socket.send('x', ${socket.address().port}, '127.0.0.1', (error) => { socket.close(); resolve(error?.code ?? 'sent') }))`)
    // Through the same loopback it would have come by now.
    await new Promise<void>((done) =>
      createSocket('udp4').send('y', socket.address().port, '127.0.0.1', () => done()),
    )
    await expect.poll(() => received).toBe(1)
    socket.close()
  })

  it('reaches no Unix socket of this machine, with or without a name in the file system', async () => {
    const path = join(folder, 'outside.sock')
    await listen({ path, writableAll: true, readableAll: true })
    expect(await run(connects({ path }))).toBe('ENOENT')
    const abstract = `\0sotto-outside-${process.pid}-${uid}`
    await listen({ path: abstract })
    expect(await run(connects({ path: abstract }))).not.toBe('connected')
    expect(reached).toBe(0)
  })

  it('makes no socket of another kind, by which a virtual machine reaches its host', async () => {
    const families = [17, 38, 40, 44]
    const codes = families.map(
      (family) => `socket(my $s${family}, ${family}, 1, 0) ? print "made " : print "none ";`,
    )
    expect(await shell(`perl -e '${codes.join(' ')}' || echo none none none none`)).toMatch(
      /^(?:none ?){4}\n?$/,
    )
    // io_uring makes sockets without asking for one; keys of a uid are shared by everybody who has it.
    for (const call of process.arch === 'x64' ? [425, 250] : [425, 219])
      expect(await shell(`perl -e 'print syscall(${call}, 0, 0, 0, 0, 0), " ", $!+0' || echo -1 1`)).toBe(
        '-1 1',
      )
  })

  it('sees no process, file or folder of this machine but the programs of its system', async () => {
    expect(await run("return fs.readdirSync('/')")).toEqual(
      expect.not.arrayContaining([
        'root',
        'home',
        'run',
        'var',
        'work',
        'mnt',
        'sys',
        'link',
        'image',
        'old',
        'node',
      ]),
    )
    for (const path of [
      folder,
      CHECKOUT,
      '/etc/shadow',
      '/etc/hostname',
      '/run',
      '/var',
      '/link',
      '/image',
      '/proc/1/root/link',
    ])
      expect(await run(`return fs.existsSync(${JSON.stringify(path)})`), path).toBe(false)
    const seen = (await run(
      "return fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length",
    )) as number
    expect(seen).toBeLessThan(8)
    expect(await run(`process.kill(${process.pid}, 0)`)).toBe('ESRCH')
  })

  it('writes to its /tmp and nowhere else', async () => {
    for (const path of [
      '/x',
      '/app/x',
      '/usr/x',
      '/etc/x',
      '/dev/x',
      '/opt/node/x',
      '/opt/node/bin/node',
      '/proc/sys/vm/overcommit_memory',
    ])
      expect(await run(`fs.closeSync(fs.openSync(${JSON.stringify(path)}, 'a'))`), path).toMatch(
        /^(?:EROFS|EACCES|EPERM|ENOENT|ETXTBSY)$/,
      )
    expect(await run("fs.chmodSync('/app/server.mjs', 0o777)")).toMatch(/^(?:EROFS|EPERM)$/)
    expect(
      await run(
        "fs.writeFileSync('/tmp/x', 'x'); fs.writeFileSync('/dev/shm/y', 'y'); return fs.readdirSync('/tmp')",
      ),
    ).toEqual(['x', 'y'])
  })

  it('has no more room in /tmp than it may', async () => {
    expect(
      await run(
        "const b = Buffer.alloc(2 ** 24); for (let i = 0; i < 64; i++) fs.appendFileSync('/tmp/big', b)",
      ),
    ).toBe('ENOSPC')
    await run("fs.rmSync('/tmp/big')")
  })

  it('gets what processors others leave, and cannot change that', async () => {
    expect(await run("return fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[16]")).toBe(
      '10',
    )
    expect(await shell('renice -n 0 -p $$ >/dev/null 2>&1 && echo yes || echo no')).toBe('no\n')
  })

  it('is ended first when memory runs out, as far as the report says so', async () => {
    const change = await shell(
      'read -r before < /proc/self/oom_score_adj; (echo 0 > /proc/self/oom_score_adj) 2>/dev/null && echo "$before any" || echo "$before first"',
    )
    expect(change).toBe(`900 ${app.sandbox.memory}\n`)
    if (uid === 'shared') expect(app.sandbox.memory).toBe('any')
  })

  it('gets no privilege back', async () => {
    const status = (await run("return fs.readFileSync('/proc/self/status', 'utf8')")) as string
    for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
      expect(status).toContain(`${name}:\t0000000000000000`)
    expect(status).toContain('NoNewPrivs:\t1')
    const attempts = [
      'unshare --user true',
      'unshare --net true',
      'mount -t tmpfs x /tmp',
      'chroot / true',
      'su -c true',
      'nsenter -t 1 -n true',
    ]
    for (const attempt of attempts)
      expect(await shell(`${attempt} 2>/dev/null && echo yes || echo no`), attempt).toBe('no\n')
  })

  it('leaves no core, and prints to nobody', async () => {
    expect(
      await run(
        "return fs.readFileSync('/proc/self/limits', 'utf8').match(/core file size +([0-9]+) +([0-9]+)/).slice(1)",
      ),
    ).toEqual(['0', '0'])
    expect(await run("return [0, 1, 2].map((fd) => fs.readlinkSync('/proc/self/fd/' + fd))")).toEqual(
      Array(3).fill('/dev/null'),
    )
    // Descriptors of ours would be a way out.
    const links = (await run(
      "return fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd) } catch { return '' } })",
    )) as string[]
    expect(
      links.filter(
        (link) =>
          link.startsWith('/') && !['/dev/null', '/dev/urandom'].includes(link) && !link.startsWith('/proc/'),
      ),
    ).toEqual([])
  })

  it('is found by no scan of the ports of this machine', async () => {
    const opened = listenersOf('/proc/self/net').filter(
      (each) => !before.some((old) => old.protocol === each.protocol && old.port === each.port),
    )
    expect(opened.map(({ port }) => port)).not.toContain(PORT)
    expect(opened.map(({ port }) => port)).not.toContain(API_PORT)
    for (const host of ['127.0.0.1', '::1'])
      for (const port of [PORT, API_PORT]) {
        const result = await new Promise((done) => {
          const socket = connect({ host, port }, () => done('connected'))
          socket.on('error', (error: NodeJS.ErrnoException) => done(error.code))
        })
        expect(result).not.toBe('connected')
      }
  })
})

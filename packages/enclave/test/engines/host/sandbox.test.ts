import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineHost, type EngineProcess, probeSandbox } from '../../../src/engines/host/index.ts'
import { ask, codeOf, FAKE_ENTRY, openHost, startFake } from './fake-model.ts'

const isRoot = process.getuid?.() === 0

/** Whether some folder above a file is closed to other users, as a 0700 home is. */
function isUnderClosedFolder(file: string): boolean {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return true
  }
  return false
}

let host: EngineHost
let engine: EngineProcess

beforeAll(async () => {
  host = await openHost()
  engine = await startFake(host, 'weights')
})

afterAll(() => host.close())

describe('an engine process', () => {
  it('cannot reach a server on this machine when the report says so', async (context) => {
    if (host.sandbox.network === 'shared')
      context.skip(`no network namespaces here: ${host.sandbox.reasons.join('; ')}`)
    let connections = 0
    const server: Server = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    expect(await ask(engine, `connect ${(server.address() as AddressInfo).port}`)).not.toBe('connected')
    expect(connections).toBe(0)
    server.close()
  })

  it('has an environment of three names, no core dumps and no capabilities', async () => {
    const seen = JSON.parse(await ask(engine, 'whoami'))
    expect(seen.env).toEqual(['HOME', 'LANG', 'ORT_DISABLE_TELEMETRY'])
    expect(seen.core).toMatch(/^Max core file size\s+0\s/)
    if (host.sandbox.noNewPrivs)
      expect(seen.status).toEqual(expect.arrayContaining(['CapEff:\t0000000000000000', 'NoNewPrivs:\t1']))
  })

  it('runs under a uid of its own, different for every model', async (context) => {
    if (host.sandbox.uid === 'shared') context.skip('not root: engines share the uid of the host')
    const other = await startFake(host, 'other weights')
    const uids = await Promise.all(
      [engine, other].map(async (each) => JSON.parse(await ask(each, 'whoami')).uid as number),
    )
    expect(new Set([...uids, process.getuid!()]).size).toBe(3)
    expect(await ask(engine, `peek ${other.pid}`)).toBe('EACCES')
    expect(await ask(engine, `peek ${process.pid}`)).toBe('EACCES')
    await other.close()
  })

  it('cannot write a byte to a file, nor to its own weights', async (context) => {
    if (host.sandbox.fileWrites === 'possible') context.skip('prlimit(1) is not installed')
    const path = join(tmpdir(), `sotto-sandbox-${process.pid}`)
    expect(await ask(engine, `write ${path}`)).not.toBe('written')
    rmSync(path, { force: true })
    expect(await ask(engine, 'tamper')).not.toBe('written')
  })
})

describe('probeSandbox', () => {
  it('finds full isolation for root and says what an ordinary user lacks', async (context) => {
    if (!isRoot) context.skip('needs root')
    const root = await probeSandbox({ entry: FAKE_ENTRY, uid: 61_184, emptyDirectory: '/' })
    if (!root.report.full) context.skip(`not permitted here: ${root.report.reasons.join('; ')}`)
    expect(root.report).toMatchObject({
      uid: 'own',
      network: 'none',
      noNewPrivs: true,
      full: true,
      reasons: [],
    })
    const user = await probeSandbox({ entry: FAKE_ENTRY, uid: 61_184, emptyDirectory: '/', hostUid: 1000 })
    expect(user.report).toMatchObject({
      full: false,
      reasons: ['the host is not root: engines share its uid'],
    })
    expect(user.prefix(61_184, '/')).not.toContain('--reuid')
  })

  it('shows the program to an engine uid that could not reach it', async (context) => {
    if (!isRoot || !host.sandbox.full) context.skip('needs root and mount namespaces')
    // Then every other test of this file already runs that way, and the fake engine is out of sight from elsewhere.
    if (isUnderClosedFolder(FAKE_ENTRY)) context.skip('this checkout itself lies under a closed folder')
    const home = mkdtempSync(join(tmpdir(), 'sotto-closed-home-')) // 0700, like /root
    try {
      const repository = join(home, 'repository')
      mkdirSync(repository)
      symlinkSync(FAKE_ENTRY, join(repository, 'link.ts'))
      writeFileSync(join(repository, 'engine.mjs'), `import ${JSON.stringify(FAKE_ENTRY)}\n`, { mode: 0o644 })
      const closed = await EngineHost.open({ entry: join(repository, 'engine.mjs'), require: 'full' })
      const inside = await startFake(closed, 'weights')
      expect(await ask(inside, 'secret')).toBe('weights')
      expect(JSON.parse(await ask(inside, 'whoami')).uid).not.toBe(0)
      await closed.close()
      expect(existsSync(join(repository, 'engine.mjs'))).toBe(true)
    } finally {
      rmSync(home, { recursive: true })
    }
  })

  it('refuses a program the engine uid may not read at all when full isolation is required', async (context) => {
    if (!isRoot) context.skip('needs root')
    const home = mkdtempSync(join(tmpdir(), 'sotto-unreadable-'))
    try {
      writeFileSync(join(home, 'engine.mjs'), '', { mode: 0o600 })
      expect(await codeOf(EngineHost.open({ entry: join(home, 'engine.mjs'), require: 'full' }))).toBe(
        'ENGINE_SANDBOX',
      )
      const weak = await EngineHost.open({ entry: join(home, 'engine.mjs'), require: 'best-effort' })
      expect(weak.sandbox).toMatchObject({ uid: 'shared', full: false })
      expect(weak.sandbox.reasons.join()).toContain('cannot read the program')
      await weak.close()
    } finally {
      rmSync(home, { recursive: true })
    }
  })

  it('refuses to start where full isolation is required and the host is an ordinary user', async () => {
    expect(await codeOf(openHost({ require: 'full', hostUid: 1000 }))).toBe('ENGINE_SANDBOX')
  })
})

import { spawnSync } from 'node:child_process'
import { rmdirSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loopbackUp } from '../../src/sandbox/kernel-calls.ts'
import { probeAppSandbox } from '../../src/app/sandbox/probe.ts'
import { quoteAll } from '../../src/sandbox/words.ts'
import { APP_UIDS, availablePrograms, makeEmptyDirectory, type Programs } from '../../src/sandbox/index.ts'
import { whyNotHere } from './real-app.ts'

const programs = availablePrograms()
const CONNECT = `
  const net = require('node:net')
  const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1', () =>
    net.connect(server.address().port, '127.0.0.1').on('close', (failed) => process.exit(failed ? 1 : 0)).resume())
`

function probe(change: Partial<Programs>, require: 'full' | 'best-effort' = 'best-effort') {
  const stage = makeEmptyDirectory()
  onTestFinished(() => rmdirSync(stage))
  const uids = { app: APP_UIDS.first, bridge: APP_UIDS.first + 1 }
  return probeAppSandbox({ uids, stage, require, programs: { ...programs, ...change } })
}

describe.skipIf((await whyNotHere()) !== undefined)('loopback', () => {
  it.each(['ip', 'perl', 'python'] as const)('is brought up by %s', (name) => {
    const only = { ip: undefined, perl: undefined, python: undefined, [name]: programs[name] }
    const words = loopbackUp(only)
    if (words === undefined) return void process.stderr.write(`skipped: no ${name} here\n`)
    const run = (before: string) =>
      spawnSync(programs.unshare!, [
        '--user',
        '--map-root-user',
        '--net',
        '/bin/sh',
        '-ec',
        `${before} exec "$0" -e "$1"`,
        process.execPath,
        CONNECT,
      ]).status
    expect([run(''), run(`${quoteAll(words)};`)]).toEqual([1, 0])
  })
})

describe('how an app can be confined', () => {
  it('is nothing where a program for it is missing, which is named', async () => {
    for (const [name, change] of [
      ['mount', { mount: undefined }],
      ['pivotRoot', { pivotRoot: undefined }],
    ] as const)
      await expect(probe(change)).rejects.toMatchObject({
        code: 'APP_SANDBOX',
        found: `not installed: ${name}`,
        hint: expect.stringContaining('util-linux'),
      })
    await expect(probe({ ip: undefined, perl: undefined, python: undefined })).rejects.toMatchObject({
      code: 'APP_SANDBOX',
      found: expect.stringContaining('none of ip, perl and python3'),
    })
  })

  it('is less, and says so, where nothing can filter its sockets; full is refused then', async (context) => {
    if ((await whyNotHere()) !== undefined) context.skip('this machine cannot confine an app')
    if (programs.ip === undefined) context.skip('ip is not installed')
    const without = { perl: undefined, python: undefined }
    const { report } = await probe(without)
    expect(report).toMatchObject({ sockets: 'all', full: false })
    expect(report.reasons.join()).toContain('sockets cannot be filtered')
    await expect(probe(without, 'full')).rejects.toMatchObject({ code: 'APP_SANDBOX' })
  })

  it('is nothing where none of the ways is permitted', async () => {
    await expect(probe({ unshare: '/bin/false' })).rejects.toMatchObject({
      code: 'APP_SANDBOX',
      found: expect.stringContaining('not permitted here'),
    })
  })
})

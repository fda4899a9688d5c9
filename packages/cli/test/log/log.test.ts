import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { serve, openDesk, nextSet, PAYLOAD_TYPES, type Desk } from '../../../client/test/monitor/support.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult, type WorldOptions } from '../support/memory-io.ts'

let cwd: string
let desk: Desk
const URL_FLAGS = ['--log', 'http://log/log']

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-log-'))
  desk = await openDesk()
  writeFileSync(join(cwd, 'policy.json'), JSON.stringify(desk.world.policy))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function sotto(argv: readonly string[], options: WorldOptions = {}): Promise<RunResult> {
  return runInMemory(commands, argv, {
    cwd,
    fetch: serve(desk.served),
    nowMs: () => desk.world.now * 1000,
    ...options,
    env: { SOTTO_CONFIG_DIR: join(cwd, 'config'), SOTTO_POLICY: join(cwd, 'policy.json'), ...options.env },
  })
}
const lines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('sotto log monitor', () => {
  const monitor = (...more: string[]): Promise<RunResult> =>
    sotto(['log', 'monitor', '--once', ...URL_FLAGS, ...more])

  test('says what it read, and goes on from there', async () => {
    const { log, now } = desk.world
    const first = await monitor()
    expect(first).toEqual({
      code: 0,
      stdout: `${log.size} entries, witnessed ${new Date((now - 30) * 1000).toISOString().replace('.000', '')}; ${log.size} new; no alert\n`,
      stderr: '',
    })
    expect((await monitor()).stdout).toContain('; 0 new; no alert')
    expect(readdirSync(cwd)).toEqual(['log-monitor.json', 'policy.json'])
  })

  test('prints one line for each alert, and exits with 6', async () => {
    desk.log(
      PAYLOAD_TYPES.keySet,
      { ...desk.keySet, issuedAt: desk.keySet.issuedAt + 1 },
      desk.world.signers.kms,
    )
    const index = desk.world.log.size - 1
    const { code, stdout } = await monitor()
    expect(code).toBe(6)
    expect(stdout.split('\n')[0]).toMatch(
      new RegExp(
        `^KEY_SET_DUPLICATE entry ${index}: epoch 1 has a second key set; expected [0-9a-f]{64} of entry \\d+, found [0-9a-f]{64}$`,
      ),
    )
    const json = await monitor('--json', '--state', 'other.json')
    expect(json.code).toBe(6)
    expect(lines(json.stdout)).toMatchObject([
      { alert: 'KEY_SET_DUPLICATE', index },
      { checkpoint: { size: index + 1, genesis: desk.world.genesisDigest }, alerts: 1, entries: index + 1 },
    ])
    // What was said once is not said again.
    expect((await monitor()).code).toBe(0)
  })

  test('asks for the address of the log: a relay, which passes no entries on, is none', async () => {
    const env = { SOTTO_HOST: 'https://relay.example' }
    const { code, stderr } = await sotto(['log', 'monitor', '--once'], { env })
    expect(code).toBe(2)
    expect(stderr).toMatch(/no log to read[^]*hint: pass --log URL, or set SOTTO_LOG/)
  })

  test('exits with 6 also where the log breaks off behind what it showed', async () => {
    const { log, signers } = desk.world
    desk.log(PAYLOAD_TYPES.keySet, { ...desk.keySet, issuedAt: desk.keySet.issuedAt + 1 }, signers.kms)
    while (log.size < 300) log.append(new TextEncoder().encode(`filler ${log.size}`))
    const honest = serve(desk.served)
    const fetch: typeof globalThis.fetch = async (input, init) =>
      String(input).includes('entries/001') ? new Response(null, { status: 503 }) : honest(input, init)
    const argv = ['log', 'monitor', '--once', ...URL_FLAGS]
    const first = await sotto(argv, { fetch })
    expect([first.code, first.stdout]).toEqual([6, expect.stringContaining('KEY_SET_DUPLICATE')])
    // Said once: what is left is that it does not answer.
    expect((await sotto(argv, { fetch })).code).toBe(1)
  })

  test('keeps a split view in a file that proves it to anybody', async () => {
    await monitor()
    const fork = desk.world.log.fork(2)
    for (let i = 0; i < 9; i++) fork.append(new TextEncoder().encode(`other ${i}`))
    desk.served.log = fork
    const { code, stdout, stderr } = await monitor()
    expect([code, stdout]).toEqual([6, expect.stringContaining('SPLIT_VIEW the log signed two histories')])
    const file = readdirSync(cwd).find((name) => name.startsWith('split-view-'))!
    expect(stderr).toContain(`sotto log prove ${join(cwd, file)}`)
    const offline = {
      fetch: () => Promise.reject(new Error('offline')),
      env: { SOTTO_POLICY: '/nonexistent' },
    }
    expect(await sotto(['log', 'prove', file], offline)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^proven: the log signed two histories\nlog log\.example/) as unknown,
    })
    // Of the log that is meant, where one is named.
    expect((await sotto(['log', 'prove', file, '--policy', 'policy.json'], offline)).code).toBe(0)
    const { key: otherKey } = (await openDesk()).world.log
    expect(await sotto(['log', 'prove', file, '--key', otherKey], offline)).toMatchObject({
      code: 3,
      stdout: '',
    })
    const evidence = JSON.parse(readFileSync(join(cwd, file), 'utf8')) as { notes: [string, string] }
    writeFileSync(
      join(cwd, 'same.json'),
      JSON.stringify({ ...evidence, notes: [evidence.notes[0], evidence.notes[0]] }),
    )
    expect(await sotto(['log', 'prove', 'same.json'], offline)).toMatchObject({ code: 3, stdout: '' })
    const { path: _, ...without } = evidence as { path?: unknown }
    writeFileSync(join(cwd, 'without.json'), JSON.stringify(without))
    expect((await sotto(['log', 'prove', 'without.json'], offline)).code).toBe(6)
    writeFileSync(join(cwd, 'none.json'), '{}')
    expect((await sotto(['log', 'prove', 'none.json'], offline)).code).toBe(2)
  })

  test('follows a log without a policy by its key and witnesses', async () => {
    const { key, witnessKeys } = desk.world.log
    const flags = ['--key', key, '--origin', desk.world.log.origin, '--watch', 'genesis']
    const env = { SOTTO_POLICY: '' }
    const run = (...more: string[]): Promise<RunResult> =>
      sotto(['log', 'monitor', '--once', ...URL_FLAGS, ...flags, ...more], { env })
    expect(await run()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no witness is named') as unknown,
    })
    const witnessed = await run('--state', 'w.json', ...witnessKeys.flatMap((one) => ['--witness', one]))
    expect(witnessed).toMatchObject({ code: 0, stderr: '' })
    desk.served.note = await desk.world.log.checkpoint({ time: desk.world.now, witnesses: 1 })
    const short = await run('--state', 'w.json', ...witnessKeys.flatMap((one) => ['--witness', one]))
    expect([short.code, short.stdout]).toEqual([6, expect.stringContaining('WITNESS_QUORUM')])
  })

  test.each([
    [['--key', 'nobody'], 'CLI_USAGE'],
    [['--witness', 'w'], 'CLI_USAGE'],
    [['--watch', 'abc'], 'CLI_USAGE'],
    [['--log', 'nowhere'], 'CLI_USAGE'],
    [['--interval', '0'], 'CLI_USAGE'],
  ])('refuses %j', async (flags, code) => {
    const { code: exit, stderr } = await monitor(...flags)
    expect([exit, stderr]).toEqual([2, expect.stringContaining(code)])
  })

  test('a log that does not answer is tried again, or with --once an error', async () => {
    const down = (): Promise<Response> => Promise.reject(new TypeError('down'))
    expect(await sotto(['log', 'monitor', '--once', ...URL_FLAGS], { fetch: down })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('LOG_UNREADABLE') as unknown,
    })
    const interrupt = new AbortController()
    let checkpoints = 0
    const flaky: typeof fetch = (input) => {
      const isNext = new Request(input).url.endsWith('/checkpoint')
      if (isNext && ++checkpoints === 1) return down()
      // The third look: what came of the second has been said.
      if (isNext && checkpoints === 3) interrupt.abort()
      return serve(desk.served)(input)
    }
    const { code, stdout, stderr } = await sotto(['log', 'monitor', '--interval', '1', ...URL_FLAGS], {
      fetch: flaky,
      signal: interrupt.signal,
    })
    expect([code, stderr]).toEqual([130, expect.stringContaining('trying again')])
    expect(stdout).toContain('no alert')
  })
})

test('sotto log show says who cosigned, and what is wrong', async () => {
  const show = (...more: string[]): Promise<RunResult> => sotto(['log', 'show', ...URL_FLAGS, ...more])
  const good = await show()
  expect([good.code, good.stdout.split('\n')[0]]).toEqual([
    0,
    expect.stringMatching(/^log\.example\/sotto-test: \d+ entries, root [0-9a-f]{64}$/),
  ])
  desk.served.note = await desk.world.log.checkpoint({ time: desk.world.now, witnesses: 1 })
  const short = await show('--json')
  expect(short.code).toBe(5)
  expect(JSON.parse(short.stdout)).toMatchObject({
    ok: false,
    alerts: [{ code: 'WITNESS_QUORUM' }, { code: 'WITNESSES_NOT_INDEPENDENT' }],
  })
  desk.served.note = 'nothing'
  expect((await show()).code).toBe(3)
})

test('sotto log entry shows a proven entry, and writes a proof of it', async () => {
  desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet), desk.world.signers.kms)
  desk.log('application/test+json', { a: 1 }, desk.world.signers.kms)
  const index = desk.world.log.size - 2
  const entry = (at: string, ...more: string[]): Promise<RunResult> =>
    sotto(['log', 'entry', at, ...URL_FLAGS, ...more])
  const shown = await entry(String(index), '--proof', 'set.tlog-proof')
  expect([shown.code, shown.stdout.split('\n').slice(0, 2)]).toEqual([
    0,
    [`entry ${index} of ${index + 2}: key set`, 'epoch 2, keys 7'],
  ])
  expect(await sotto(['log', 'prove', 'set.tlog-proof'])).toMatchObject({
    code: 0,
    stdout: `proven: key set ${index} is in log.example/sotto-test, of ${index + 2} entries then\n`,
  })
  const text = readFileSync(join(cwd, 'set.tlog-proof'), 'utf8')
  writeFileSync(join(cwd, 'moved.tlog-proof'), text.replace(`index ${index}`, `index ${index - 1}`))
  expect((await sotto(['log', 'prove', 'moved.tlog-proof'])).code).toBe(3)
  const unwritten = await entry(String(index), '--proof', 'no/folder/set.tlog-proof')
  expect([unwritten.code, unwritten.stderr.includes('[CLI_FILE]')]).toEqual([2, true])
  const foreign = await entry(String(index + 1), '--json')
  expect(JSON.parse(foreign.stdout)).toMatchObject({ index: index + 1, kind: 'application/test+json' })
  expect((await entry('99')).code).toBe(2)
  expect((await entry('-1')).code).toBe(2)
})

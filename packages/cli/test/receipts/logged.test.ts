import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { canonicalJson } from '@sotto/protocol/jcs'
import { createReceipt, type MintedReceipt } from '@sotto/testkit'
import { openDesk, serve, type Desk } from '../../../client/test/monitor/support.ts'
import { batchOf, logBatch } from '../../../client/test/receipt-log/support.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

let cwd: string
let desk: Desk
let minted: MintedReceipt
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-logged-'))
  desk = await openDesk()
  minted = await createReceipt(desk.world)
  writeFileSync(join(cwd, 'policy.json'), JSON.stringify(desk.world.policy))
  writeFileSync(join(cwd, 'r.json'), canonicalJson(minted.saved))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function sotto(...argv: string[]): Promise<RunResult> {
  return runInMemory(commands, argv, {
    cwd,
    fetch: serve(desk.served),
    nowMs: () => desk.world.now * 1000,
    env: { SOTTO_CONFIG_DIR: join(cwd, 'config'), SOTTO_POLICY: join(cwd, 'policy.json') },
  })
}
const logged = (...more: string[]): Promise<RunResult> =>
  sotto('receipt', 'logged', 'r.json', '--log', 'http://log/log', ...more)
const instantOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000', '')

test('finds a receipt, writes a proof, and checks it offline', async () => {
  logBatch(desk.world, batchOf(desk.world, [minted.saved]), minted.signer)
  const index = desk.world.log.size - 1
  const line = `logged before ${instantOf(desk.served.time)}, entry ${index}\n`
  expect(await logged('--proof', 'r.tlog-proof')).toEqual({
    code: 0,
    stdout: line,
    stderr: 'proof written to r.tlog-proof\n',
  })
  expect(JSON.parse((await logged('--json')).stdout)).toEqual({
    ok: true,
    index,
    loggedBefore: desk.served.time,
    software: true,
  })
  const verified = await sotto('receipt', 'verify', 'r.json', '--logged', 'r.tlog-proof')
  expect([verified.code, verified.stderr]).toEqual([0, ''])
  expect(verified.stdout).toContain('✓ receipt.logged')
  expect(verified.stdout).toContain(line)
  const json = await sotto('receipt', 'verify', 'r.json', '--logged', 'r.tlog-proof', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: true,
    index,
    loggedBefore: desk.served.time,
    receipt: { keyId: 7 },
  })
  expect((await sotto('log', 'prove', 'r.tlog-proof')).stdout).toContain(`proven: receipt batch ${index}`)
})

test('asks for the log itself: a relay passes no entries on', async () => {
  const { code, stderr } = await sotto('receipt', 'logged', 'r.json')
  expect([code, stderr.includes('hint: pass --log URL, or set SOTTO_LOG')]).toEqual([2, true])
})

test('says NOT LOGGED with exit code 6, and 3 for a receipt that is forged', async () => {
  logBatch(desk.world, batchOf(desk.world, []), minted.signer)
  const missing = await logged('--proof', 'r.tlog-proof')
  expect([missing.code, missing.stdout]).toEqual([6, ''])
  expect(missing.stderr).toContain('error: NOT LOGGED: no batch of this enclave holds the receipt')
  expect(missing.stderr).toContain('hint: ')
  const json = await logged('--json')
  expect(json.stderr + json.stdout).toContain('RECEIPT_NOT_LOGGED')
  const forged = { ...minted.saved, envelope: (await createReceipt(desk.world)).saved.envelope }
  writeFileSync(join(cwd, 'r.json'), canonicalJson(forged))
  expect((await logged()).code).toBe(3)
})

test('a batch that is found and does not hold is exit code 3, and leaves no proof', async () => {
  logBatch(desk.world, batchOf(desk.world, [minted.saved], { genesis: 'ff'.repeat(32) }), minted.signer)
  const text = await logged('--proof', 'r.tlog-proof')
  expect(text).toEqual({
    code: 3,
    stdout: 'NOT LOGGED: the batch that was found does not hold\n',
    stderr: '',
  })
  const json = await logged('--proof', 'r.tlog-proof', '--json')
  const { ok, software, steps } = JSON.parse(json.stdout) as Record<string, unknown>
  expect([json.code, ok, software]).toEqual([3, false, true])
  expect(steps).toContainEqual(expect.objectContaining({ name: 'receipt.batch-signed', status: 'fail' }))
  expect(existsSync(join(cwd, 'r.tlog-proof'))).toBe(false)
})

test('a proof of another batch is refused with exit code 3, and of nothing with 2', async () => {
  const other = await createReceipt(desk.world)
  logBatch(desk.world, batchOf(desk.world, [minted.saved]), minted.signer)
  await logged('--proof', 'r.tlog-proof')
  writeFileSync(join(cwd, 'other.json'), canonicalJson(other.saved))
  const wrong = await sotto('receipt', 'verify', 'other.json', '--logged', 'r.tlog-proof')
  expect([wrong.code, wrong.stdout.includes('✗ receipt.batch-signed')]).toEqual([3, true])
  const text = readFileSync(join(cwd, 'r.tlog-proof'), 'utf8')
  writeFileSync(join(cwd, 'r.tlog-proof'), text.replace(/index \d+/, 'index x'))
  expect((await sotto('receipt', 'verify', 'r.json', '--logged', 'r.tlog-proof')).code).toBe(2)
  expect((await sotto('receipt', 'verify', 'r.json', '--logged', 'gone')).code).toBe(2)
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createLogReader, parseEntryProof } from '@sotto/client/monitor'
import { findLogged } from '@sotto/client/receipt-log'
import { canonicalJson } from '@sotto/protocol/jcs'
import { digestCount } from '@sotto/protocol/receipt-log'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { verifyReceipt } from '@sotto/verifier'
import { decodeBatch } from '../../packages/client/src/receipt-log/verify.ts'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { launch } from '../../packages/cli/src/software-tee/launch.ts'
import { openMachine } from '../../packages/cli/src/software-tee/machine.ts'
import type { RoleProcess } from '../../packages/cli/src/stack/child.ts'
import { startEdge } from '../../packages/cli/src/stack/edge-roles.ts'
import { openSecret, openState } from '../../packages/cli/src/stack/state.ts'
import { runInMemory, type RunResult } from '../../packages/cli/test/support/memory-io.ts'
import { claim } from '../claims.ts'
import { clientOf, embed, startTestStack, type TestStack, urlOf } from '../stack/support.ts'

/** The shortest interval that can be declared. */
const SECONDS = 10
/** Two of them, on a machine that may be busy. */
const PATIENT = { timeout: 60_000, interval: 500 }

let stack: TestStack
beforeAll(async () => void (stack = await startTestStack({ receiptLogSeconds: SECONDS })))
afterAll(() => stack?.close())

/** An answer, and the receipt that its client keeps. */
async function answer(): Promise<SavedReceipt> {
  const sotto = await clientOf(stack)
  const response = await embed(sotto, 'who asked this?')
  await response.text()
  expect(response.status).toBe(200)
  return sotto.receiptOf(response)
}

const reader = (): ReturnType<typeof createLogReader> =>
  createLogReader(new URL(`${urlOf(stack, 'log')}/log`), fetch)
const find = (saved: SavedReceipt): ReturnType<typeof findLogged> =>
  findLogged(saved, { policy: stack.policy, reader: reader() })

function sotto(...argv: string[]): Promise<RunResult> {
  return runInMemory(commands, argv, {
    cwd: stack.folder,
    fetch: globalThis.fetch,
    nowMs: Date.now,
    env: {
      SOTTO_CONFIG_DIR: join(stack.folder, 'user'),
      SOTTO_POLICY: stack.policyFile,
      SOTTO_LOG: `${urlOf(stack, 'log')}/log`,
    },
  })
}
const monitor = (): Promise<RunResult> => sotto('log', 'monitor', '--once', '--json')

test('clients see in the verdict that receipts are logged, and how often', async () => {
  const { trust } = await clientOf(stack)
  const step = trust.steps.find(({ name }) => name === 'keys.data-use')
  expect(step).toMatchObject({ status: 'pass' })
  expect(step!.found).toContain(`receipt digests logged every ${SECONDS} s`)
})

test(
  claim(
    'receipt.logged',
    'receipt, batch, log entry and witnessed checkpoint are proven offline; nothing altered is',
  ),
  async () => {
    const saved = await answer()
    const file = join(stack.folder, 'answer.receipt.json')
    writeFileSync(file, canonicalJson(saved))
    const found = await vi.waitFor(async () => {
      const result = await sotto('receipt', 'logged', file, '--proof', 'answer.tlog-proof')
      expect(result.code, result.stderr).toBe(0)
      return result
    }, PATIENT)
    expect(found.stdout).toMatch(/^logged before \d{4}-[^ ]+Z, entry \d+\n$/)
    // Nothing but files from here on.
    const offline = (receipt: string, proof: string): Promise<RunResult> =>
      runInMemory(commands, ['receipt', 'verify', receipt, '--logged', proof], {
        cwd: stack.folder,
        nowMs: Date.now,
        env: { SOTTO_CONFIG_DIR: join(stack.folder, 'user'), SOTTO_POLICY: stack.policyFile },
      })
    const good = await offline(file, 'answer.tlog-proof')
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('✓ receipt.logged')])

    const proof = readFileSync(join(stack.folder, 'answer.tlog-proof'))
    const receipt = readFileSync(file)
    for (const [name, bytes] of [
      ['proof', proof],
      ['receipt', receipt],
    ] as const) {
      for (let n = 0; n < 40; n++) {
        const changed = Buffer.from(bytes)
        const at = Math.floor((n * (changed.length - 1)) / 39)
        changed[at]! ^= 1
        const as = join(stack.folder, 'changed')
        writeFileSync(as, changed)
        const { code } = name === 'proof' ? await offline(file, as) : await offline(as, 'answer.tlog-proof')
        expect([2, 3, 5], `${name} byte ${at}`).toContain(code)
      }
    }

    // Nobody else finds it, and another answer is in none of the batches so far.
    const other = await answer()
    await expect(find(other)).rejects.toMatchObject({ code: 'RECEIPT_NOT_LOGGED' })
    await vi.waitFor(() => find(other), PATIENT)
    const { release } = verifyReceipt(saved, stack.policy)
    const { entry } = parseEntryProof(proof.toString())
    expect(digestCount(decodeBatch(entry!, release!))).toBe(64)
  },
  180_000,
)

test('a monitor knows every batch, and alerts about none', async () => {
  const { code, stdout } = await monitor()
  expect([code, stdout.includes('"alert"')]).toEqual([0, false])
  const { counts } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { counts: Record<string, number> }
  expect(counts['receipt batch']).toBeGreaterThanOrEqual(2)
  expect(counts['other']).toBeUndefined()
})

const roleOf = (name: string): RoleProcess => stack.roles.find((role) => role.name === name)!

async function readiness(): Promise<{ status: string; degraded?: string }> {
  return (await (await fetch(`${urlOf(stack, 'inference')}/readyz`)).json()) as never
}

test('while the log is gone answers go on, health says so, and their receipts are logged when it is back', async () => {
  const state = await openState(stack.folder)
  const env = { SOTTO_LOG_APPEND_TOKEN: await openSecret(state.key('append-token')) }
  const config = JSON.parse(readFileSync(state.config('log'), 'utf8')) as object
  const sotto = await clientOf(stack)
  expect(await readiness()).toEqual({ status: 'ready' })
  await roleOf('log').stop()
  const response = await embed(sotto, 'while the log is gone')
  await response.text()
  const saved = await sotto.receiptOf(response)
  await vi.waitFor(
    async () => expect(await readiness()).toEqual({ status: 'ready', degraded: 'RECEIPT_LOG_BEHIND' }),
    PATIENT,
  )
  stack.roles.push(await startEdge({ layout: stack.layout, state }, 'log', config, env))
  await vi.waitFor(() => find(saved), PATIENT)
  await vi.waitFor(async () => expect(await readiness()).toEqual({ status: 'ready' }), PATIENT)
  expect((await monitor()).code).toBe(0)
}, 180_000)

describe('an enclave that ends', () => {
  const launchAgain = async (): Promise<RoleProcess> => {
    const state = await openState(stack.folder)
    const role = await launch({
      name: 'inference',
      machine: await openMachine(state.machine),
      image: stack.layout.image('inference'),
      config: state.config('inference'),
      logFile: state.log('inference'),
      env: { SOTTO_LOG_APPEND_TOKEN: await openSecret(state.key('append-token')) },
    })
    stack.roles.push(role)
    return role
  }

  test(
    claim('receipt.logged', 'logs what waits; killed, it loses that, which then is said to be not logged'),
    async () => {
      const flushed = await answer()
      await roleOf('inference').stop()
      await find(flushed)
      const again = await launchAgain()
      const lost = await answer()
      process.kill(again.pid, 'SIGKILL')
      await again.ended
      await launchAgain()
      await expect(find(lost)).rejects.toMatchObject({ code: 'RECEIPT_NOT_LOGGED' })
      const after = await answer()
      await vi.waitFor(() => find(after), PATIENT)
      // Every boot has a chain of its own: no gap, no second version.
      const { code, stdout } = await monitor()
      expect([code, stdout.includes('"alert"')]).toEqual([0, false])
    },
    240_000,
  )
})

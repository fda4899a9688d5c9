import { afterEach, beforeEach, expect, it } from 'vitest'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { USAGE_PAYLOAD_TYPE, type UsageStatement } from '@sotto/protocol/usage'
import { createReceipt } from '@sotto/testkit'
import { createDesk, type Desk } from '../support/desk.ts'

let desk: Desk
beforeEach(async () => void (desk = await createDesk()))
afterEach(() => desk.clear())

async function saveUsage(change: Partial<UsageStatement> = {}): Promise<void> {
  const { world } = desk.service
  const { release, saved, signer } = await createReceipt(world)
  const statement: UsageStatement = {
    version: 1,
    genesis: world.genesisDigest,
    evidence: release.evidence,
    sequence: 3,
    startedAt: 10,
    issuedAt: 20,
    models: [{ model: 'ab'.repeat(32), requests: 16, audioSeconds: 61, inputTokens: 5, outputTokens: 7 }],
    ...change,
  }
  const envelope = fromUtf8(signDsse(USAGE_PAYLOAD_TYPE, encodeDocument(statement), [signer]))
  desk.write('usage.json', JSON.stringify({ version: 1, envelope, certificate: saved.certificate }))
}

it('says what was counted, per model, and that it holds', async () => {
  await saveUsage()
  const { code, stdout } = await desk.sotto(['usage', 'verify', 'usage.json'])
  expect(code).toBe(0)
  expect(stdout).toContain('✓ usage.signature')
  expect(stdout).toContain('16 requests, 61 s of audio, 5 tokens in, 7 out')
  expect(stdout).toContain('software TEE: not hardware')
  const json = await desk.sotto(['usage', 'verify', 'usage.json', '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, software: true, statement: { sequence: 3 } })
})

it('exits 3 for counts of another release, 5 under another genesis, 2 for something else', async () => {
  await saveUsage({ evidence: '00'.repeat(32) })
  const forged = await desk.sotto(['usage', 'verify', 'usage.json'])
  expect([forged.code, forged.stdout.includes('16 requests')]).toEqual([3, false])
  await saveUsage()
  desk.write('policy.json', JSON.stringify({ ...desk.service.world.policy, genesis: '0'.repeat(64) }))
  expect((await desk.sotto(['usage', 'verify', 'usage.json'])).code).toBe(5)
  desk.write('usage.json', '{"version":1}')
  const other = await desk.sotto(['usage', 'verify', 'usage.json'])
  expect([other.code, other.stderr.includes('statement of usage')]).toEqual([2, true])
})

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import type { KmsState } from '@sotto/protocol/evidence'
import { HANDOVER_RECEIPT_TYPE } from '@sotto/protocol/handover'
import { documentDigest, type KeySet, type ReleasedKeys } from '@sotto/protocol/keyrelease'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { bundleOf, judge } from '../client.ts'
import type { KmsProcess, StartChange } from '../process/launcher.ts'
import { payloadOf } from '../world.ts'
import { obtainKeys, SendingClient, sendThrough } from './enclave-and-client.ts'
import { prepareUpgrade } from './upgrade-processes.ts'

let old: KmsProcess
let next: KmsProcess
let change: StartChange
beforeEach(async () => {
  ;({ old, next, change } = await prepareUpgrade())
})
afterEach(async () => {
  await next.end('SIGKILL')
  await old.remove()
})

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 600; n++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never ${what}: ${old.output} ${next.output}`)
}
const isReady = async ({ url }: KmsProcess): Promise<boolean> => (await fetch(`${url}/readyz`)).ok
const setOf = ({ keySet }: KmsState): KeySet => payloadOf<KeySet>(keySet.envelope)

async function filesBelow(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Buffer.concat(await Promise.all(files.map((path) => readFile(path)))).toString('latin1')
}

test(
  claim(['T15', 'T4', 'see.stores'], 'an upgrade of a running KMS, which clients and enclaves do not notice'),
  { timeout: 120_000 },
  async () => {
    const { world } = old
    const held = await obtainKeys(old)
    const before = await old.call<KmsState>('/v1/keys')
    const { service, refusing } = judge(world, await bundleOf(world, before))
    expect(refusing).toEqual([])

    // It looks at whichever KMS answers, and where none does goes by what it saw last.
    let state = before
    const client = new SendingClient(world, held, async () => {
      for (const { url } of [next, old]) {
        const answer = await fetch(`${url}/v1/keys`).catch(() => undefined)
        if (answer?.ok === true) return (state = (await answer.json()) as KmsState)
      }
      return state
    })

    await next.start(change)
    await until('taken over', () => next.output.includes('taken-over'))
    expect(await isReady(old), 'the old one serves until it is told to end').toBe(true)
    expect(await isReady(next)).toBe(false)
    expect(await old.end('SIGTERM')).toBe(0)
    await until('ready', () => isReady(next))
    const sentBefore = client.sent
    await until('used', () => client.sent > sentBefore + 3)
    await client.stop()
    expect([...client.refused]).toEqual([])

    const after = await next.call<KmsState>('/v1/keys')
    expect(setOf(after)).toMatchObject({
      epoch: setOf(before).epoch + 1,
      previous: documentDigest(setOf(before)),
      keys: setOf(before).keys,
    })
    expect(after.kms.evidence).not.toEqual(before.kms.evidence)
    const strict = { minSecurityVersion: { kms: 2, inference: 1 } }
    expect(judge(world, await bundleOf(world, after), strict).refusing).toEqual([])
    const again: ReleasedKeys['keys'] = await obtainKeys(next)
    expect(again).toEqual(held)
    expect(sendThrough(service!, after.keySet.envelope, again, 'sealed before')).toBe('sealed before')

    // Without the old one it starts from what its own TEE sealed.
    expect(await next.end('SIGTERM')).toBe(0)
    await next.start(change)
    await until('ready', () => isReady(next))

    const seen = old.output + next.output + (await filesBelow(old.directory))
    for (const { privateKey } of held) {
      const bytes = fromBase64Url(privateKey)
      for (const spelling of [privateKey, toHex(bytes), Buffer.from(bytes).toString('latin1')])
        expect(seen.includes(spelling)).toBe(false)
    }
  },
)

test('killed on either side in the middle, one of them serves', { timeout: 120_000 }, async () => {
  await next.start(change)
  await until('taken over', () => next.output.includes('taken-over'))
  await next.end('SIGKILL')
  expect(await isReady(old)).toBe(true)
  next.output = ''
  await next.start(change)
  await until('taken over', () => next.output.includes('taken-over'))
  expect(old.world.logged(HANDOVER_RECEIPT_TYPE)).toHaveLength(2)
  const before = setOf(await old.call<KmsState>('/v1/keys'))
  await old.end('SIGKILL')
  await until('ready', () => isReady(next))
  expect(setOf(await next.call<KmsState>('/v1/keys')).keys).toEqual(before.keys)
})

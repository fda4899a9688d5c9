import { fromUtf8 } from '@sotto/protocol/bytes'
import { checkRunProof, parseRunProof, type Room } from '@sotto/client/rooms'
import type { NamedContract } from '@sotto/protocol/contract'
import { afterEach, describe, expect, it } from 'vitest'
import { trustPolicyOf } from '../../packages/kms/test/client.ts'
import { Members } from './support/members.ts'
import { bank, hasDuckDb, shop } from './support/room-lab.ts'
import { claim } from '../claims.ts'

const rows = (n: number) => Array.from({ length: n }, (_, at) => `c${at},${at * 10}`).join('\n')
const table = (n: number) => new Blob([`customer,amount\n${rows(n)}\n`])

let members: Members
let atBank: Room
let atShop: Room

async function agreed(): Promise<NamedContract> {
  await atBank.create()
  await atBank.join()
  await atShop.join()
  const named = await atBank.propose(members.lab.world.contract)
  await atBank.accept(named)
  const { proposals } = await atShop.state()
  const seen = proposals.get(named.digest)!
  await atShop.accept(seen)
  await atBank.add(named, { input: 'accounts', files: { 'accounts.csv': table(40) } })
  await atShop.add(seen, { input: 'purchases', files: { 'purchases.csv': table(25) } })
  return named
}

async function open(change?: Parameters<typeof Members.open>[0]): Promise<void> {
  members = await Members.open(change)
  atBank = await members.member(bank, 'bank')
  atShop = await members.member(shop, 'shop')
}

afterEach(() => members?.close())

describe.skipIf(!hasDuckDb)('two members of a room', () => {
  it(
    claim(
      ['rooms.consent', 'rooms.sealed', 'rooms.proof'],
      'agree, add data, verify the room, consent and get what is theirs',
    ),
    async () => {
      await open()
      const named = await agreed()
      const asked = await atShop.ask(named, { transform: 'overlap', template: 'count', note: 'weekly' })
      const state = await atBank.state()
      expect([...state.members.keys()]).toEqual(['bank', 'shop'])
      const run = state.runs.get(asked.run)!
      expect([...run.consents.keys()]).toEqual(['shop'])
      expect((await atBank.judge(named, run)).room.hardware[0]).toMatch(/^software/)
      await atBank.consent(named, run)
      const whole = (await atShop.state()).runs.get(asked.run)!
      const view = await atShop.begin(named, whole)
      expect(view).toMatchObject({ state: 'done' })
      const done = (await atShop.state()).runs.get(asked.run)!
      const [output] = await atShop.outputs(named, done)
      expect(fromUtf8(output!.content)).toBe('{"columns":[{"name":"n","type":"integer"}]}\n[40]\n')
      expect(await atBank.outputs(named, done)).toEqual([])
      const proof = await atBank.proof(named, done)
      const again = parseRunProof(new TextEncoder().encode(JSON.stringify(proof)))
      expect(checkRunProof(again, trustPolicyOf(members.lab.world)).run.receipt.sequence).toBe(1)
      expect((await atShop.view(named)).left[0]).toMatchObject({ runs: 2 })
      const seen = Buffer.concat(members.passed).toString('latin1')
      for (const word of ['customer', 'accounts', 'overlap', 'weekly', named.digest, asked.run])
        expect(seen.includes(word), `whoever passes it on sees ${word}`).toBe(false)
    },
  )

  it('add the same data twice, and it is there once', async () => {
    await open()
    const named = await agreed()
    const files = { 'accounts.csv': table(40) }
    expect((await atBank.add(named, { input: 'accounts', files })).version).toBe(1)
    const other = await atBank.add(named, { input: 'accounts', files: { 'accounts.csv': table(41) } })
    expect(other.version).toBe(2)
  })

  it('look at outputs before they leave, where the owner asks for that', async () => {
    await open(({ inputs }) => ({
      inputs: inputs.map((input) =>
        input.owner === 'bank' ? { ...input, rules: { ...input.rules, review: true } } : input,
      ),
    }))
    const named = await agreed()
    const { run } = await atShop.ask(named, { transform: 'overlap', template: 'count' })
    await atBank.consent(named, (await atBank.state()).runs.get(run)!)
    const waiting = await atShop.begin(named, (await atShop.state()).runs.get(run)!)
    expect(waiting).toMatchObject({ state: 'waiting', outputs: [] })
    const atHand = (await atBank.state()).runs.get(run)!
    const looked = await atBank.review(named, atHand)
    expect(fromUtf8(looked[0]!.content)).toContain('[40]')
    await expect(atShop.review(named, (await atShop.state()).runs.get(run)!)).rejects.toMatchObject({
      code: 'CONTRACT_PARTY',
    })
    await atBank.decide(named, atHand, looked, 'release')
    const view = await atShop.release(named, (await atShop.state()).runs.get(run)!)
    expect(view).toMatchObject({ state: 'done' })
    const [output] = await atShop.outputs(named, (await atShop.state()).runs.get(run)!)
    expect(fromUtf8(output!.content)).toContain('[40]')
  })

  it('keep a result back that its owner refuses', async () => {
    await open(({ inputs }) => ({
      inputs: inputs.map((input) => ({
        ...input,
        rules: { ...input.rules, review: input.owner === 'bank' },
      })),
    }))
    const named = await agreed()
    const { run } = await atShop.ask(named, { transform: 'overlap', template: 'count' })
    await atBank.consent(named, (await atBank.state()).runs.get(run)!)
    await atShop.begin(named, (await atShop.state()).runs.get(run)!)
    const atHand = (await atBank.state()).runs.get(run)!
    await atBank.decide(named, atHand, await atBank.review(named, atHand), 'refuse')
    const view = await atShop.release(named, (await atShop.state()).runs.get(run)!)
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_ENDED' }, outputs: [] })
  })
})

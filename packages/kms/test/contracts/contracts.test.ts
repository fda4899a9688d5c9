import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { type ContractEvent, MAX_CALL_BYTES, type RunReceipt, RUN_TYPES } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { SEALED_CALL_OVERHEAD_BYTES } from '@sotto/protocol/sealed-call'
import { describe, expect, it } from 'vitest'
import { payloadOf, seed, signer } from '../world.ts'
import { ARTIFACTS, contractOf, OTHER_ROOM, RoomWorld } from './room-world.ts'

const sha256 = (text: string): string => toHex(crypto.sha256(utf8(text)))
const events = (world: RoomWorld): ContractEvent[] =>
  world.logged<ContractEvent>(RUN_TYPES.event).map(({ document }) => document)

describe('a contract that its parties sign', () => {
  it('is proposed, accepted, running, closed; the log says when, and not what', async () => {
    const world = await RoomWorld.open()
    expect(await world.ok(world.accept('bank'))).toMatchObject({ phase: 'proposed', accepted: ['bank'] })
    expect(events(world)).toEqual([])
    expect(await world.ok(world.accept('shop'))).toMatchObject({ phase: 'accepted' })
    for (const input of ['accounts', 'purchases'] as const) {
      await world.giveKey(input)
      await world.ok(world.data(input))
    }
    await world.run(await world.offer())
    expect(await world.show('shop')).toMatchObject({ phase: 'running', runs: 1, contract: world.text })
    await world.ok(world.close('bank'))
    expect((await world.show('bank')).phase).toBe('running')
    await world.ok(world.close('shop'))
    expect((await world.show('bank')).phase).toBe('closed')
    expect(events(world).map(({ event }) => event)).toEqual([
      'accepted',
      'data',
      'data',
      'run',
      'closed',
      'closed',
    ])
    const all = world.log.entries.map((entry) => Buffer.from(entry).toString('latin1')).join('\n')
    for (const word of ['offers', 'accounts', 'purchases', 'overlap']) expect(all).not.toContain(word)
  })

  it('is not read by who passes its calls on, and shown to its parties only', async () => {
    const world = await RoomWorld.open()
    await world.ok(world.accept('bank'))
    expect((await world.show('bank', { at: world.now - 1000 })).error?.code).toBe('KMS_STATEMENT_TIME')
    const stranger = world.signed('inquiry', 'bank', {}, signer(99))
    expect(await world.code({ call: 'show', contract: world.digest, inquiry: stranger })).toBe(
      'CONTRACT_SIGNATURE',
    )
    expect(await world.code({ call: 'show', contract: '00'.repeat(32), inquiry: stranger })).toBe(
      'KMS_CONTRACT_UNKNOWN',
    )
    const { status } = await world.call('/v1/contracts', world.text)
    expect(status).toBeGreaterThanOrEqual(400)
  })

  it('is brought by an owner whom members admitted, for this KMS, while it lasts', async () => {
    const world = await RoomWorld.open()
    const stranger = signer(80)
    const [bank, shop] = world.contract.parties
    const parties = [{ ...bank!, key: toBase64Url(stranger.publicKey) }, shop!]
    world.use({ ...world.contract, parties })
    const acceptance = world.signed('acceptance', 'bank', {}, stranger)
    expect(await world.code({ call: 'accept', contract: world.text, acceptance })).toBe('KMS_OWNER_UNKNOWN')
    world.use({ ...contractOf(world.genesis, world.now), genesis: '11'.repeat(32) })
    expect(await world.code(world.accept('bank', { genesis: '11'.repeat(32) }))).toBe('KMS_WRONG_GENESIS')
    world.use(contractOf(world.genesis, world.now - 200_000))
    expect(await world.code(world.accept('bank'))).toBe('KMS_CONTRACT_OVER')
    world.use(contractOf(world.genesis, world.now))
    expect(await world.code(world.accept('bank', { at: world.now + 3600 }))).toBe('KMS_STATEMENT_TIME')
    expect(await world.code(world.accept('bank', { contract: '22'.repeat(32) }))).toBe('CONTRACT_OTHER')
    expect(await world.code({ ...world.accept('bank'), contract: `${world.text} ` })).toBe(
      'CONTRACT_MALFORMED',
    )
    expect(world.kms.view.state.contracts.size).toBe(0)
  })

  it('outlives a start of the KMS with all that was signed and spent', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    const run = await world.offer()
    const { receipt } = await world.run(run)
    const before = await world.show('bank')
    await world.start()
    expect(await world.show('bank')).toEqual(before)
    expect((await world.run(run)).receipt).toBe(receipt)
    expect((await world.show('bank')).left).toEqual(before.left)
  })
})

describe('a contract that has ended', () => {
  const DAY = 86_400

  it('is shown for a while; then its keys are gone, and nobody begins its ledger anew', async () => {
    const world = await RoomWorld.open()
    world.use({ ...world.contract, notAfter: world.now + 60 * DAY })
    await world.prepared()
    await world.run(await world.offer())
    await world.ok(world.withdraw('shop'))
    const held = world.kms.view.state.artifacts.get(ARTIFACTS.accounts.id)!.contentKey
    world.now += 29 * DAY
    await world.kms.tick()
    expect((await world.show('bank')).phase).toBe('closed')
    expect(await world.code(world.accept('bank')), 'the same again').toBe('none')
    world.now += 2 * DAY
    await world.kms.tick()
    expect(await world.code(world.accept('bank'))).toBe('KMS_CONTRACT_OVER')
    expect((await world.show('bank')).error?.code).toBe('KMS_CONTRACT_UNKNOWN')
    expect([...world.kms.view.state.artifacts.keys()]).toEqual([])
    expect(held).toEqual(new Uint8Array(32))
    await world.start()
    expect(await world.code(world.accept('bank'))).toBe('KMS_CONTRACT_OVER')
    world.now += 30 * DAY
    await world.kms.tick()
    expect(world.kms.view.state.endedContracts.size).toBe(0)
    expect(await world.code(world.accept('bank'))).toBe('KMS_CONTRACT_OVER')
  })

  it('counts for its owner until then', async () => {
    const world = await RoomWorld.open()
    for (let n = 0; n < 64; n++) {
      world.use(contractOf(world.genesis, world.now, { title: `contract ${n}` }))
      await world.ok(world.accept('bank'))
      await world.ok(world.withdraw('bank'))
      world.now += 1
    }
    world.use(contractOf(world.genesis, world.now, { title: 'one more' }))
    expect(await world.code(world.accept('bank'))).toBe('KMS_OWNER_QUOTA')
    expect(await world.code(world.accept('shop')), 'another owner').toBe('none')
  })
})

describe('an input', () => {
  it('is what its owner states, whose key came for this contract', async () => {
    const world = await RoomWorld.open()
    await world.ok(world.accept('bank'))
    await world.ok(world.accept('shop'))
    expect(await world.code(world.data('accounts'))).toBe('KMS_CONTRACT_DATA')
    await world.giveKey('accounts', null)
    expect(await world.code(world.data('accounts')), 'a key for anybody').toBe('KMS_CONTRACT_DATA')
    await world.giveKey('accounts')
    expect(await world.code(world.data('accounts'))).toBe('none')
    expect(await world.code(world.data('accounts', { artifact: ARTIFACTS.purchases.id, version: 2 }))).toBe(
      'KMS_CONTRACT_DATA',
    )
    expect(await world.code(world.data('accounts', { bytes: 7 })), 'the same version').toBe(
      'KMS_CONTRACT_DATA',
    )
    const forged = world.signed('data', 'bank', { input: 'purchases' } as never)
    expect(
      await world.code({ call: 'sign', contract: world.digest, kind: 'data', envelope: forged }),
    ).toMatch(/CONTRACT_(?:SIGNATURE|MALFORMED)/)
  })

  it('that was agreed on is not swapped after signing', async () => {
    const world = await RoomWorld.open()
    const [accounts, purchases] = world.contract.inputs
    world.use({
      ...world.contract,
      inputs: [{ ...accounts!, content: ARTIFACTS.accounts.content }, purchases!],
    })
    await world.ok(world.accept('bank'))
    await world.ok(world.accept('shop'))
    await world.giveKey('accounts')
    expect(await world.code(world.data('accounts', { content: 'ee'.repeat(32) }))).toBe('KMS_CONTRACT_DATA')
    expect(await world.code(world.data('accounts'))).toBe('none')
  })

  it('leaves to nobody by the ordinary way of keys', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    const { enclave, request } = await world.offer({}, world.workload)
    const asking = { ...request, artifacts: [ARTIFACTS.accounts.id] }
    await expect(world.kms.release(asking)).rejects.toMatchObject({ code: 'KMS_NOT_ADMITTED' })
    expect(enclave).toBeDefined()
  })
})

describe('a run', () => {
  it('gets the keys of its inputs, wrapped to its room, for one charge', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    const run = await world.offer()
    const { keys, receipt } = await world.run(run)
    expect(keys.artifacts).toEqual(
      Object.values(ARTIFACTS).map(({ id, key }) => ({ id, contentKey: toBase64Url(key) })),
    )
    const document = payloadOf<RunReceipt>(receipt)
    expect(document).toMatchObject({ run: run.id, image: run.enclave.workload.image, sequence: 1 })
    expect(document.charges).toEqual([
      { input: 'accounts', transform: 'overlap', runs: 1 },
      { input: 'purchases', transform: 'overlap', runs: 1 },
    ])
    expect(events(world).at(-1)).toMatchObject({ event: 'run', statement: sha256(receipt) })
    expect(await world.run(run)).toEqual({ keys, receipt })
    expect((await world.show('bank')).left.map(({ runs }) => runs)).toEqual([2, 2])
  })

  it('is refused beyond the budget, however many ask at once', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    const offers = await Promise.all(Array.from({ length: 8 }, () => world.offer()))
    const codes = await Promise.all(offers.map((run) => world.code(world.asking(run))))
    expect(codes.toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 'CONTRACT_BUDGET'),
      'none',
      'none',
      'none',
    ])
    expect((await world.show('bank')).left.map(({ runs }) => runs)).toEqual([0, 0])
    await world.start()
    expect(await world.code(world.asking(await world.offer()))).toBe('CONTRACT_BUDGET')
  })

  it('needs every signature, every consent, and a room that the contract pins', async () => {
    const world = await RoomWorld.open()
    await world.ok(world.accept('bank'))
    expect(await world.code(world.asking(await world.offer()))).toBe('CONTRACT_NOT_ACCEPTED')
    await world.ok(world.accept('shop'))
    expect(await world.code(world.asking(await world.offer())), 'without data').toBe('KMS_CONTRACT_DATA')
    for (const input of ['accounts', 'purchases'] as const) {
      await world.giveKey(input)
      await world.ok(world.data(input))
    }
    const run = await world.offer()
    expect(await world.code(world.asking(run, ['bank']))).toBe('CONTRACT_RUN')
    expect(await world.code(world.asking(run, ['bank', 'bank']))).toBe('CONTRACT_RUN')
    const other = await world.offer()
    const borrowed = { ...world.asking(run), offer: other.offer, request: other.request }
    expect(await world.code(borrowed), 'consents to another run').toBe('CONTRACT_OTHER')
    expect(await world.code({ ...world.asking(run), request: other.request }), 'another room').toBe(
      'CONTRACT_RUN',
    )
    expect(await world.code(world.asking(await world.offer({}, OTHER_ROOM))), 'another program').toBe(
      'CONTRACT_RUN',
    )
    expect(await world.code(world.asking(await world.offer({}, world.workload))), 'no room').toBe(
      'KMS_NOT_ADMITTED',
    )
    expect(await world.code(world.asking(await world.offer({ template: 'all' })))).toBe('CONTRACT_RUN')
    expect(await world.code(world.asking(await world.offer({ at: world.now + 60 })))).toBe(
      'KMS_STATEMENT_TIME',
    )
    const late = await world.offer({ notAfter: world.now + 10 })
    world.now += 11
    expect(await world.code(world.asking(late))).toBe('CONTRACT_EXPIRED')
    expect((await world.show('bank')).runs).toBe(0)
  })

  it('is refused after a party withdrew, also where the keys are out already', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    const run = await world.offer()
    await world.run(run)
    await world.ok(world.withdraw('shop'))
    expect(await world.code(world.result(run))).toBe('CONTRACT_WITHDRAWN')
    expect(await world.code(world.asking(await world.offer()))).toBe('CONTRACT_WITHDRAWN')
    expect(await world.show('bank')).toMatchObject({
      phase: 'closed',
      withdrawn: [{ party: 'shop', consent: 'execution' }],
    })
  })

  it('is stopped by a party whatever others use up, and each refusal is counted', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    let code = 'none'
    for (let version = 2; code === 'none'; version++)
      code = await world.code(world.data('accounts', { version }))
    expect(code).toBe('HTTP_TOO_MANY')
    expect(world.refused.map(([one]) => one)).toEqual(['HTTP_TOO_MANY'])
    expect(await world.code(world.withdraw('shop'))).toBe('none')
    expect(await world.code(world.asking(await world.offer()))).toBe('CONTRACT_WITHDRAWN')
  })

  it('is not in the log once a party takes that back; budgets count all the same', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    await world.ok(world.withdraw('bank', 'logging'))
    const before = events(world).length
    await world.run(await world.offer())
    expect(events(world)).toHaveLength(before)
    expect((await world.show('bank')).left.map(({ runs }) => runs)).toEqual([2, 2])
  })

  it('is not asked for twice with another result, an unknown output, or one that is too large', async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    const run = await world.offer()
    expect(await world.code(world.result(run)), 'before it began').toBe('KMS_CONTRACT_RUN')
    await world.run(run)
    const made = { output: 'offers', digest: 'dd'.repeat(32), bytes: 100 }
    expect(await world.code(world.result(run, { outputs: [{ ...made, output: 'other' }] }))).toBe(
      'CONTRACT_RUN',
    )
    expect(await world.code(world.result(run, { outputs: [{ ...made, bytes: 4097 }] }))).toBe('CONTRACT_RUN')
    expect(await world.code(world.result(run, { outputs: [made, made] }))).toBe('KMS_CONTRACT_RUN')
    const stranger = crypto.ed25519.generate()
    expect(await world.code(world.result(run, {}, stranger))).toBe('CONTRACT_SIGNATURE')
    const { permit } = await world.ok<{ permit: string }>(world.result(run))
    expect(events(world).at(-1)).toMatchObject({ event: 'released', statement: sha256(permit) })
    expect(await world.ok(world.result(run))).toEqual({ permit })
    expect(await world.code(world.result(run, { outputs: [{ ...made, bytes: 7 }] }))).toBe('KMS_CONTRACT_RUN')
  })

  it('whose owner reviews releases what that owner approved, as it was looked at', async () => {
    const world = await RoomWorld.open()
    const [accounts, purchases] = world.contract.inputs
    world.use({
      ...world.contract,
      inputs: [{ ...accounts!, rules: { ...accounts!.rules, review: true } }, purchases!],
    })
    await world.prepared()
    const run = await world.offer()
    await world.run(run)
    const approval = (change: object = {}, by = 'bank'): string =>
      world.signed('approval', by, {
        run: run.id,
        output: 'offers',
        digest: 'dd'.repeat(32),
        verdict: 'release',
        ...change,
      })
    const call = (...approvals: string[]): object => ({ ...world.result(run), approvals })
    expect(await world.code(call())).toBe('CONTRACT_RUN')
    expect(await world.code(call(approval({}, 'shop'))), 'another party').toBe('CONTRACT_RUN')
    expect(await world.code(call(approval({ digest: 'de'.repeat(32) })))).toBe('CONTRACT_OTHER')
    expect(await world.code(call(approval({ run: '00'.repeat(32) })))).toBe('CONTRACT_OTHER')
    expect(await world.code(call(approval({ verdict: 'refuse' })))).toBe('CONTRACT_RUN')
    expect(await world.code(call(approval()))).toBe('none')
  })
})

it('junk in a sealed call is named, and what is not sealed to this KMS is refused', async () => {
  const world = await RoomWorld.open()
  expect(await world.code({ call: 'steal' })).toBe('JCS_FIELD')
  expect(await world.code({ call: 'show', contract: world.digest })).toBe('JCS_FIELD')
  expect(await world.code({ ...world.accept('bank'), more: true })).toBe('JCS_FIELD')
  const { status } = await world.call('/v1/contracts', seed(1))
  expect(status).toBeGreaterThanOrEqual(400)
})

it('a call may be as long as calls are, whatever sealing adds, and no longer', async () => {
  const world = await RoomWorld.open()
  const around = JSON.stringify({ call: '' }).length
  const long = (bytes: number): object => ({ call: 'x'.repeat(bytes - around) })
  // It is opened and read: it asks for nothing that there is.
  expect(await world.code(long(MAX_CALL_BYTES))).toBe('JCS_FIELD')
  expect(await world.code(long(MAX_CALL_BYTES + 1))).toBe('JCS_MALFORMED')
  expect(await world.code(long(MAX_CALL_BYTES + SEALED_CALL_OVERHEAD_BYTES))).toBe('HTTP_BODY_TOO_LARGE')
})

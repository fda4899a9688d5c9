import { describe, expect, it } from 'vitest'
import { fromHex, utf8 } from '@sotto/protocol/bytes'
import { leafHash, rootFromTiles, verifyConsistency, verifyInclusion } from '@sotto/protocol/merkle'
import { verifyCheckpoint } from '@sotto/protocol/note'
import { createFakeLog, createReceipt, createWorld } from '@sotto/testkit'
import { parseTrustPolicy, verifyReceipt, verifyTrustBundle } from '@sotto/verifier'

describe('the log in memory', () => {
  it('proves its entries and its growth, across tile borders', async () => {
    const log = createFakeLog()
    for (let i = 0; i < 300; i++) log.append(utf8(`entry ${i}`))
    const root = await rootFromTiles(300, log.readTile)
    for (const index of [0, 255, 256, 299]) {
      const { proof } = await log.prove(utf8(`entry ${index}`))
      verifyInclusion(leafHash(utf8(`entry ${index}`)), index, 300, proof.map(fromHex), root)
    }
    const older = await rootFromTiles(257, log.readTile)
    verifyConsistency(257, older, 300, root, (await log.consistency(257)).map(fromHex))
    // A wrong answer of the fake would make every test above it meaningless.
    const { proof } = await log.prove(utf8('entry 7'))
    expect(() => verifyInclusion(leafHash(utf8('entry 8')), 7, 300, proof.map(fromHex), root)).toThrow(
      expect.objectContaining({ code: 'MERKLE_INCLUSION' }),
    )
  })

  it('is witnessed by as many as were asked', async () => {
    const log = createFakeLog('log.example/x', 3)
    log.append(utf8('entry'))
    const requirements = { origin: log.origin, logKey: log.key, witnessKeys: log.witnessKeys, quorum: 3 }
    expect(verifyCheckpoint(await log.checkpoint({ time: 7 }), requirements)).toMatchObject({
      size: 1,
      time: 7,
    })
    const two = await log.checkpoint({ time: 7, witnesses: 2 })
    expect(() => verifyCheckpoint(two, requirements)).toThrow(
      expect.objectContaining({ code: 'NOTE_QUORUM' }),
    )
  })
})

describe('the world in memory', () => {
  it('is honest by default: its bundle and its receipts are accepted by its own policy', async () => {
    const world = await createWorld()
    const policy = parseTrustPolicy(world.policy)
    expect(verifyTrustBundle(world.bundle, policy, { now: world.now }).verdict.ok).toBe(true)
    expect(verifyReceipt((await createReceipt(world)).saved, policy).ok).toBe(true)
    expect(verifyTrustBundle(world.bundle, policy, { now: world.now }).verdict.ok).toBe(true)
  })

  it('shares nothing with another world', async () => {
    const [one, other] = [await createWorld(), await createWorld()]
    expect(verifyTrustBundle(one.bundle, other.policy, { now: one.now }).verdict.ok).toBe(false)
    expect(verifyReceipt((await createReceipt(one)).saved, other.policy).ok).toBe(false)
  })
})

import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type ProvenStatement } from '@sotto/protocol/evidence'
import type { Constitution } from '@sotto/protocol/governance'
import { createWorld, decide, fakeSigner, type World, type WorldOptions } from '@sotto/testkit'
import { refusingSteps, verifyTrustBundle } from '@sotto/verifier'
import { genesisInForce } from '@sotto/protocol/governance'
import { genesisDecoder, decodeDocument } from '@sotto/protocol/keyrelease'
import { parseDsse } from '@sotto/protocol/dsse'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'

const [alice, bob, mallory] = [fakeSigner(), fakeSigner(), fakeSigner()]
const nameOf = new Map([
  [alice, 'alice'],
  [bob, 'bob'],
  [mallory, 'mallory'],
])
const membersOf = (...signers: (typeof alice)[]): { name: string; key: string }[] =>
  signers.map((signer) => ({ name: nameOf.get(signer)!, key: toBase64Url(signer.publicKey) }))

/** A genesis of Alice and Bob, who decide together. */
const founded: WorldOptions = {
  genesis: (genesis) => ({ ...genesis, members: membersOf(alice, bob), threshold: 2 }),
  signers: { keyPolicy: [alice, bob] },
}
/** Bob is replaced by Mallory. */
const change = (constitution: Constitution): Constitution => ({
  ...constitution,
  members: membersOf(alice, mallory),
})

function refusal({ bundle, policy, now }: World): string[] {
  return refusingSteps(verifyTrustBundle(bundle, policy, { now }).verdict.steps).map(
    ({ name, reason }) => `${name}: ${reason}`,
  )
}

const withGovernance = async (options: WorldOptions): Promise<World> =>
  createWorld({ ...founded, ...options })

describe('members of a bundle', () => {
  it(
    claim(['governance', 'chain.policy'], 'are followed from the genesis to the constitution in force'),
    async () => {
      const world = await withGovernance({
        constitutions: [{ change, voters: [alice, bob] }],
        signers: { keyPolicy: [alice, mallory] },
      })
      expect(world.bundle.governance).toHaveLength(1)
      expect(refusal(world)).toEqual([])
    },
  )

  it(claim('governance', 'count only under the constitution their proposal names'), async () => {
    const world = await withGovernance({
      constitutions: [{ change, voters: [alice, bob] }],
      signers: { keyPolicy: [alice, bob] },
    })
    expect(refusal(world)).toEqual(['keys.policy: it is signed with a key that is no member’s'])
  })

  it('may have decided before a change: what they accepted stays, as long as the KMS says so', async () => {
    const world = await withGovernance({
      constitutions: [{ change, voters: [alice, bob] }],
      signers: { keyPolicy: [alice, bob] },
      decision: { proposal: (proposal) => ({ ...proposal, constitution: proposal.genesis }) },
    })
    expect(refusal(world)).toEqual([])
  })

  it.each([
    ['decides alone', [alice]],
    ['votes twice', [alice, alice]],
    ['is to come', [alice, mallory]],
  ])('do not change when one of them %s', async (_, voters) => {
    const world = await withGovernance({
      constitutions: [{ change, voters }],
      signers: { keyPolicy: [alice, mallory] },
    })
    expect(refusal(world)).toHaveLength(1)
    expect(refusal(world)[0]).toMatch(/^keys\.policy: /)
  })
})

describe('a bundle that hides a constitution', () => {
  const changed = withGovernance({
    constitutions: [{ change, voters: [alice, bob] }],
    signers: { keyPolicy: [alice, mallory] },
  })

  it('is refused: the key set names the one in force', async () => {
    const world = await changed
    expect(refusal({ ...world, bundle: { ...world.bundle, governance: [] } })).toEqual([
      'keys.policy: another constitution is in force',
    ])
  })

  it('is refused when it puts an old decision in the place of the new one', async () => {
    const world = await changed
    const { now, log, signers, bundle } = world
    const genesis = decodeDocument(parseDsse(utf8(bundle.genesis.envelope)).payload, genesisDecoder)
    const old = decide({
      inForce: genesisInForce(genesis, world.genesisDigest),
      kind: 'rotate',
      body: { epoch: 1 },
      voters: [alice],
      kms: signers.kms,
      now,
    })
    log.append(old)
    const proven: ProvenStatement = await log.prove(old)
    const checkpoint = await log.checkpoint({ time: now - 10 })
    const prove = async ({ envelope }: ProvenStatement): Promise<ProvenStatement> => log.prove(utf8(envelope))
    const later = {
      ...bundle,
      checkpoint,
      genesis: await prove(bundle.genesis),
      kms: {
        ...bundle.kms,
        consistency: await log.consistency(Number(bundle.kms.boundCheckpoint.split('\n')[1])),
        certificate: await prove(bundle.kms.certificate),
      },
      releases: await Promise.all(bundle.releases.map(prove)),
      governance: await Promise.all(bundle.governance.map(prove)),
      keySet: await prove(bundle.keySet),
      policy: proven,
    }
    expect(refusal({ ...world, bundle: later })).toEqual(['keys.policy: members accepted something else'])
  })
})

import { expect, test } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { signMemberJws, memberSigner } from '@sotto/protocol/governance'
import { HANDOVER_RECEIPT_TYPE, type HandoverReceipt } from '@sotto/protocol/handover'
import { createReceipt, fakeSigner } from '@sotto/testkit'
import { SPENDING_TYPES, type SpendRoster } from '@sotto/protocol/spending'
import { decodeDocument, releaseReceiptDecoder } from '@sotto/protocol/keyrelease'
import { parseDsse } from '@sotto/protocol/dsse'
import { claim } from '../../../../test/claims.ts'
import { openDesk, PAYLOAD_TYPES, type Desk } from './support.ts'

const key = ({ publicKey }: ReturnType<typeof fakeSigner>): string => toBase64Url(publicKey)
const next = fakeSigner()

const handover = ({ world, keySet }: Desk, change: Partial<HandoverReceipt> = {}): HandoverReceipt => ({
  version: 1,
  genesis: world.genesisDigest,
  policy: keySet.keys[0]!.policy,
  tuple: 'kms',
  evidence: 'ab'.repeat(32),
  hardware: ['software 09'],
  fromKey: key(world.signers.kms),
  toKey: key(next),
  fromSecurityVersion: 1,
  toSecurityVersion: 2,
  generation: 1,
  keyIds: [3],
  issuedAt: world.now,
  ...change,
})

const boot = ({ world, log }: Desk, signer = next): void =>
  log(
    PAYLOAD_TYPES.kmsCertificate,
    {
      version: 1,
      genesis: world.genesisDigest,
      signingKey: key(signer),
      notBefore: world.now - 1,
      notAfter: world.now + 86_400,
    },
    world.signers.root,
  )

test(
  claim('T15', 'a handover from the newest boot to a new one is no alert, asked for once or twice'),
  async () => {
    const desk = await openDesk()
    desk.log(HANDOVER_RECEIPT_TYPE, handover(desk), desk.world.signers.kms)
    desk.log(HANDOVER_RECEIPT_TYPE, handover(desk, { toKey: key(fakeSigner()) }), desk.world.signers.kms)
    boot(desk)
    expect(await desk.codes()).toEqual([])
  },
)

test.each<[string, string, Partial<HandoverReceipt>]>([
  ['to an older release', 'HANDOVER_MALFORMED', { toSecurityVersion: 0 }],
  ['under a policy that is not logged', 'HANDOVER_MISMATCH', { policy: 'cd'.repeat(32) }],
  ['of a root generation that is not in force', 'HANDOVER_MISMATCH', { generation: 2 }],
  ['in the name of a boot that is none', 'HANDOVER_UNCERTIFIED', { fromKey: key(fakeSigner()) }],
  ['when its boot was not certified yet', 'HANDOVER_UNCERTIFIED', { issuedAt: 1 }],
  ['that means nothing', 'HANDOVER_MALFORMED', { tuple: '' }],
])(claim('T15', 'a handover %s'), async (_, code, change) => {
  const desk = await openDesk()
  desk.log(HANDOVER_RECEIPT_TYPE, handover(desk, change), desk.world.signers.kms)
  expect(await desk.codes()).toEqual([code])
})

test(claim('T15', 'a handover by nobody, to a boot that was there, and by one that is over'), async () => {
  const desk = await openDesk()
  const { kms } = desk.world.signers
  desk.log(HANDOVER_RECEIPT_TYPE, handover(desk), fakeSigner())
  boot(desk)
  desk.log(HANDOVER_RECEIPT_TYPE, handover(desk, { fromKey: key(next), toKey: key(kms) }), next)
  expect(await desk.codes()).toEqual(['HANDOVER_UNCERTIFIED', 'HANDOVER_MISMATCH'])
  desk.log(HANDOVER_RECEIPT_TYPE, handover(desk, { toKey: key(fakeSigner()) }), kms)
  expect(await desk.codes()).toEqual(['HANDOVER_MISMATCH'])
  expect(desk.alerts.at(-1)).toMatchObject({ expected: key(next), found: key(kms) })
})

test('a handover while a member holds it', async () => {
  const desk = await openDesk()
  const { world } = desk
  const hold = {
    version: 1,
    genesis: world.genesisDigest,
    reason: 'test',
    createdAt: world.now - 1000,
  } as const
  const jws = signMemberJws('hold', hold, memberSigner('EdDSA', world.signers.member.secretSeed))
  const record = {
    version: 1,
    genesis: world.genesisDigest,
    sequence: 1,
    previous: '0'.repeat(64),
    entry: { type: 'hold', jws },
  }
  desk.log(PAYLOAD_TYPES.governance, record, world.signers.kms)
  desk.log(HANDOVER_RECEIPT_TYPE, handover(desk), world.signers.kms)
  expect(await desk.codes()).toEqual(['RECEIPT_HELD'])
})

/** A gateway that keys were released to. */
async function gatewayOf({ world }: Desk): Promise<string> {
  await createReceipt(world)
  const entry = world.log.entries.at(-1)!
  return decodeDocument(parseDsse(entry).payload, releaseReceiptDecoder, 'receipt').receiptKey
}

test(
  claim('T12', 'a roster that names whom no keys were released to, or a set that forgot, is an alert'),
  async () => {
    const desk = await openDesk()
    const gateway = await gatewayOf(desk)
    const roster = (change: Partial<SpendRoster> = {}, by = desk.world.signers.kms): void =>
      desk.log(
        SPENDING_TYPES.roster,
        {
          version: 1,
          genesis: desk.world.genesisDigest,
          session: 'aa'.repeat(32),
          context: 'bb'.repeat(32),
          sequence: 0,
          gateways: [gateway],
          ...change,
        },
        by,
      )
    roster()
    roster({ sequence: 4 })
    roster({ sequence: 4, gateways: [], session: 'ac'.repeat(32) })
    expect(await desk.codes()).toEqual([])
    roster({ sequence: 3 })
    expect(await desk.codes(), 'it held four').toEqual(['ROSTER_MISMATCH'])
    roster({ context: 'cc'.repeat(32) })
    expect(await desk.codes(), 'another set begins').toEqual([])
    roster({ sequence: 9 })
    expect(await desk.codes(), 'and the first comes back').toEqual(['ROSTER_MISMATCH'])
    roster({ sequence: 9, gateways: [key(fakeSigner())] })
    roster({ sequence: 9 }, fakeSigner())
    roster({ sequence: -1 })
    expect(await desk.codes()).toEqual(['ROSTER_MISMATCH', 'ROSTER_UNCERTIFIED', 'ROSTER_MALFORMED'])
  },
)

import { expect, test } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  createCustodianFile,
  createShareSet,
  CUSTODY_TYPES,
  openCustodianFile,
  type Custodian,
  type RootSuccession,
} from '@sotto/protocol/custody'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { genesisInForce, parseDecision } from '@sotto/protocol/governance'
import { decodeDocument, encodeDocument, genesisDecoder } from '@sotto/protocol/keyrelease'
import { decide, fakeSigner } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { openDesk, PAYLOAD_TYPES, type Desk } from './support.ts'

const key = ({ publicKey }: ReturnType<typeof fakeSigner>): string => toBase64Url(publicKey)
const custodians: Custodian[] = ['ada', 'ben', 'cem', 'eve'].map((name) => ({
  name,
  key: openCustodianFile(createCustodianFile()).key,
}))
const [ada, ben, cem, eve] = custodians as [Custodian, Custodian, Custodian, Custodian]

/** Logs shares of the root secret. */
function share(
  { world, log }: Desk,
  generation: number,
  who: Custodian[],
  { threshold = 2, rootKey = key(world.signers.root), by = world.signers.kms } = {},
): void {
  const set = createShareSet(new Uint8Array(32).fill(7), {
    genesis: world.genesisDigest,
    generation,
    rootKey,
    threshold,
    custodians: who,
    now: world.now,
  })
  log(CUSTODY_TYPES.shareSet, set, by)
}

function succeed({ world }: Desk, next: ReturnType<typeof fakeSigner>): void {
  const document: RootSuccession = {
    version: 1,
    genesis: world.genesisDigest,
    sequence: 1,
    previousKey: key(world.signers.root),
    rootKey: key(next),
    createdAt: world.now,
  }
  const by = [world.signers.root, next]
  world.log.append(signDsse(CUSTODY_TYPES.rootSuccession, encodeDocument(document), by))
}

const certificateOf = ({ world }: Desk, statementKey: ReturnType<typeof fakeSigner>): object => ({
  version: 1,
  genesis: world.genesisDigest,
  signingKey: key(statementKey),
  notBefore: world.now - 1,
  notAfter: world.now + 86_400,
})

/** Members decide on custodians. */
function decideOn({ world }: Desk, who: Custodian[], threshold = 2): void {
  const genesis = decodeDocument(
    parseDsse(utf8(world.bundle.genesis.envelope)).payload,
    genesisDecoder,
    'genesis',
  )
  const before = parseDecision(utf8(world.bundle.policy.envelope))
  world.log.append(
    decide({
      inForce: genesisInForce(genesis, world.genesisDigest),
      kind: 'custodians',
      body: { threshold, custodians: who },
      voters: [world.signers.member],
      kms: world.signers.kms,
      now: world.now,
      sequence: before.decision.sequence + 1,
      previous: before.digest,
    }),
  )
}

test(claim('T15', 'shares for custodians whom members did not decide on are an alert'), async () => {
  const desk = await openDesk()
  share(desk, 1, [ada, ben, cem])
  share(desk, 2, [cem, ada, ben])
  expect(await desk.codes(), 'whoever was named when it began, in whatever order').toEqual([])
  share(desk, 3, [ada, ben, eve])
  share(desk, 4, [ada, ben, cem, eve])
  share(desk, 5, [ada, ben, cem, eve], { threshold: 3 })
  expect(await desk.codes()).toEqual(['SHARES_UNDECIDED', 'SHARES_UNDECIDED', 'SHARES_UNDECIDED'])
  const decided = await openDesk()
  share(decided, 1, [ada, ben])
  decideOn(decided, [ada, ben, eve], 3)
  share(decided, 2, [ada, ben, eve], { threshold: 3 })
  expect(await decided.codes()).toEqual([])
  share(decided, 3, [ada, ben])
  expect(await decided.codes(), 'and back again').toEqual(['SHARES_UNDECIDED'])
})

test('share sets of somebody else, with a gap, with a second version, and none at all', async () => {
  const desk = await openDesk()
  share(desk, 1, [ada, ben], { by: fakeSigner() })
  share(desk, 1, [ada, ben])
  share(desk, 1, [ada, ben])
  share(desk, 3, [ada, ben])
  desk.log(CUSTODY_TYPES.shareSet, { version: 1, genesis: desk.world.genesisDigest }, desk.world.signers.kms)
  expect(await desk.codes()).toEqual(['SHARES_UNCERTIFIED', 'SHARES_FORK', 'SHARES_GAP', 'SHARES_MALFORMED'])
})

test('a root key that comes into force without shares of its secret', async () => {
  const [next, other] = [fakeSigner(), fakeSigner()]
  const desk = await openDesk()
  share(desk, 1, [ada, ben])
  share(desk, 2, [ada, ben], { rootKey: key(next) })
  succeed(desk, next)
  expect(await desk.codes()).toEqual([])
  const without = await openDesk()
  share(without, 1, [ada, ben])
  succeed(without, other)
  expect(await without.codes()).toEqual(['SHARES_MISMATCH'])
  const none = await openDesk()
  succeed(none, other)
  expect(await none.codes(), 'where there are no custodians there is nothing to miss').toEqual([])
})

test(
  claim('T15', 'a certificate of a root key that another took the place of is an alert of its own'),
  async () => {
    const desk = await openDesk()
    const [next, stranger] = [fakeSigner(), fakeSigner()]
    succeed(desk, next)
    desk.log(PAYLOAD_TYPES.kmsCertificate, certificateOf(desk, fakeSigner()), next)
    expect(await desk.codes()).toEqual([])
    desk.log(PAYLOAD_TYPES.kmsCertificate, certificateOf(desk, stranger), desk.world.signers.root)
    desk.log(PAYLOAD_TYPES.kmsCertificate, certificateOf(desk, stranger), stranger)
    expect(await desk.codes()).toEqual(['CERTIFICATE_SUPERSEDED', 'CERTIFICATE_UNSIGNED'])
    // And what it certified counts for nothing.
    desk.log(PAYLOAD_TYPES.keySet, { ...desk.keySet, epoch: 2 }, stranger)
    expect(await desk.codes()).toEqual(['KEY_SET_UNCERTIFIED'])
  },
)

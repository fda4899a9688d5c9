import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { createShareSet, CUSTODY_TYPES, type RootSuccession } from '@sotto/protocol/custody'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, type KmsCertificate, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { RootHistory } from '@sotto/verifier/custody'
import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { payloadOf, seed, signer, World } from '../world.ts'
import { acknowledgement, createCustodians, historyOf, newestSet, sharingOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'

const custodians = createCustodians(2)
const sharing = sharingOf(2, custodians)
const stranger = signer(66)
let world: World

beforeAll(async () => {
  world = new World()
  world.root = new PersistentRoot(seed(55), sharing).obtain()
  await world.start()
})

/** What the log says once somebody appended these entries. */
function after(...entries: Uint8Array[]): RootHistory {
  const { length } = world.log.entries
  world.log.entries.push(...entries)
  try {
    return historyOf(world)
  } finally {
    world.log.entries.length = length
  }
}

const root = () => world.rootKeys.signer
const succession = (change: Partial<RootSuccession> = {}): RootSuccession => ({
  version: 1,
  genesis: world.genesis,
  sequence: 1,
  previousKey: toBase64Url(root().publicKey),
  rootKey: toBase64Url(stranger.publicKey),
  createdAt: world.now,
  ...change,
})
const sign = (type: string, document: object, ...by: ReturnType<typeof signer>[]): Uint8Array =>
  signDsse(type, encodeDocument(document), by)

test('a succession needs the old key, the new one, and its place in the line', () => {
  const type = CUSTODY_TYPES.rootSuccession
  const { rootKey } = historyOf(world)
  const other = signer(67)
  const refused = [
    sign(type, succession(), stranger),
    sign(type, succession(), root()),
    sign(type, succession(), root(), other),
    sign(type, succession({ sequence: 2 }), root(), stranger),
    sign(type, succession({ genesis: '00'.repeat(32) }), root(), stranger),
    sign(type, succession({ previousKey: toBase64Url(other.publicKey) }), other, stranger),
    sign(PAYLOAD_TYPES.kmsCertificate, succession(), root(), stranger),
  ]
  for (const entry of refused) expect(after(entry).rootKey).toBe(rootKey)
  const accepted = sign(type, succession(), root(), stranger)
  expect(after(accepted).rootKey).toBe(toBase64Url(stranger.publicKey))
  expect(after(accepted, accepted).roots).toHaveLength(1)
})

test('after a succession the old root key certifies nobody, and its shares count no more', () => {
  const certificate: KmsCertificate = {
    version: 1,
    genesis: world.genesis,
    signingKey: toBase64Url(signer(70).publicKey),
    notBefore: 1,
    notAfter: world.now + 1000,
  }
  const entry = sign(PAYLOAD_TYPES.kmsCertificate, certificate, root())
  expect(after(entry).statementKeys).toContain(certificate.signingKey)
  const next = sign(CUSTODY_TYPES.rootSuccession, succession(), root(), stranger)
  expect(after(next, entry).statementKeys).not.toContain(certificate.signingKey)
  expect(historyOf(world).shareSet?.document.generation).toBe(1)
  expect(after(next).shareSet).toBeUndefined()
})

test('a share set is signed by a certified key and newer than the one before', () => {
  const { rootKey } = historyOf(world)
  const set = (generation: number) =>
    createShareSet(seed(9), {
      genesis: world.genesis,
      generation,
      rootKey: rootKey!,
      now: world.now,
      ...sharing,
    })
  expect(after(sign(CUSTODY_TYPES.shareSet, set(2), stranger)).generation).toBe(1)
  expect(after(sign(CUSTODY_TYPES.shareSet, set(2), root())).generation, 'not by the root key either').toBe(1)
  const own = (generation: number) =>
    utf8(world.kms.view.boot.statementKey.sign(CUSTODY_TYPES.shareSet, set(generation)))
  expect(after(own(1)).shareSet!.document).toEqual(newestSet(world))
  expect(after(own(5), own(4)).generation).toBe(5)
  expect(after(own(2)).shareSet!.document.generation, 'nobody acknowledged either: the newest').toBe(2)
  const said = custodians.map((custodian) => acknowledgement(newestSet(world), custodian))
  expect(after(...said, own(2)).shareSet!.document.generation, 'the newest that can be opened').toBe(1)
})

test('releases are those whose keys the reader chose: members may have replaced those of the genesis', () => {
  const successor = signer(71)
  const { length } = world.log.entries
  world.logRelease(world.workload, { role: 'kms' }, successor)
  const read = (...keys: string[][]): RootHistory => {
    const history = new RootHistory(world.genesis, ...keys)
    world.log.entries.forEach((entry, index) => history.read(index, entry))
    return history
  }
  expect(read().releases).toEqual([])
  expect(read([toBase64Url(successor.publicKey)]).releases).toHaveLength(1)
  world.log.entries.length = length
})

test('an acknowledgement counts once, of its custodian, for its set', () => {
  const set = newestSet(world)
  const [ada, ben] = custodians
  const said = acknowledgement(set, ada!)
  const count = (...entries: Uint8Array[]): number => after(...entries).shareSet!.acknowledgements.size
  expect(count(said, said)).toBe(1)
  const document = payloadOf<object>(fromUtf8(said))
  const again = (change: object, by = ada!): Uint8Array =>
    sign(CUSTODY_TYPES.acknowledgement, { ...document, ...change }, by.keys.signing)
  expect(count(again({}, ben))).toBe(0)
  expect(count(again({ index: 2 }))).toBe(0)
  expect(count(again({ index: 9 }))).toBe(0)
  expect(count(again({ shareSet: '00'.repeat(32) }))).toBe(0)
  expect(count(said, acknowledgement(set, ben!))).toBe(2)
})

test('whatever else stands in the log changes nothing', () => {
  const genuine = world.log.entries.map(fromUtf8).filter((entry) => entry.startsWith('{'))
  const before = JSON.stringify(describe(historyOf(world)))
  fc.assert(
    fc.property(fc.constantFrom(...genuine), fc.nat(), fc.nat(7), (entry, at, bit) => {
      const { payload, payloadType, signatures } = parseDsse(utf8(entry))
      const bytes = payload.slice()
      bytes[at % bytes.length]! ^= 1 << bit
      const forged = { payload: Buffer.from(bytes).toString('base64'), payloadType }
      const sigs = signatures.map(({ keyid, sig }) => ({ keyid, sig: Buffer.from(sig).toString('base64') }))
      const changed = after(
        utf8(JSON.stringify({ ...forged, signatures: sigs })),
        utf8('no JSON'),
        Uint8Array.of(0xff),
      )
      expect(JSON.stringify(describe(changed))).toBe(before)
    }),
    { numRuns: 60 },
  )
})

function describe({ rootKey, roots, releases, statementKeys, generation, shareSet }: RootHistory): object {
  return { rootKey, roots, releases, statementKeys, generation, set: shareSet?.statement }
}

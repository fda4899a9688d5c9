import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse } from '@sotto/protocol/dsse'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  decodeDocument,
  encodeDocument,
  genesisDecoder,
  keySetDecoder,
  releasedKeysDecoder,
  releaseReceiptDecoder,
} from '@sotto/protocol/keyrelease'
import { createWorld } from '@sotto/testkit'

const world = await createWorld()
const payload = (statement: { envelope: string }): Uint8Array => parseDsse(utf8(statement.envelope)).payload
const parse = (bytes: Uint8Array): Record<string, unknown> =>
  JSON.parse(fromUtf8(bytes)) as Record<string, unknown>

const digest = 'ab'.repeat(32)
const key = toBase64Url(crypto.randomBytes(32))
const receipt = {
  version: 1,
  genesis: digest,
  epoch: 1,
  keyIds: [1, 2],
  policy: digest,
  tuple: 'inference',
  evidence: digest,
  chip: 'cd'.repeat(64),
  receiptKey: key,
  issuedAt: 10,
  notAfter: 20,
}
const released = {
  keys: [{ keyId: 1, privateKey: key }],
  artifacts: [{ id: 'ab'.repeat(16), contentKey: key }],
}
describe('documents that contradict themselves are refused:', () => {
  const genesis = parse(payload(world.bundle.genesis)) as never as { members: object[] } & Record<
    string,
    unknown
  >
  const keySet = parse(payload(world.bundle.keySet)) as never as { keys: object[] } & Record<string, unknown>
  const [logKey, witnessKey] = [world.log.key, world.log.witnessKeys[0]!]
  it.each<[string, Decoder<unknown>, object]>([
    ['a genesis whose threshold nobody can reach', genesisDecoder, { ...genesis, threshold: 2 }],
    [
      'a genesis with one member twice',
      genesisDecoder,
      { ...genesis, members: [genesis.members[0], { ...genesis.members[0], name: 'again' }] },
    ],
    [
      'a genesis with a witness twice',
      genesisDecoder,
      { ...genesis, witnesses: { keys: [witnessKey, witnessKey], quorum: 2 } },
    ],
    [
      'a genesis whose log is a witness',
      genesisDecoder,
      { ...genesis, log: { origin: 'o', key: witnessKey } },
    ],
    [
      'a genesis whose witness is a log',
      genesisDecoder,
      { ...genesis, witnesses: { keys: [logKey], quorum: 1 } },
    ],
    [
      'a genesis whose quorum nobody can reach',
      genesisDecoder,
      { ...genesis, witnesses: { keys: [witnessKey], quorum: 2 } },
    ],
    [
      'a key set with a key identifier twice',
      keySetDecoder,
      { ...keySet, keys: [keySet.keys[0], keySet.keys[0]] },
    ],
    ['a second key set without a previous one', keySetDecoder, { ...keySet, epoch: 2 }],
    ['a first key set with a previous one', keySetDecoder, { ...keySet, previous: digest }],
    [
      'a key that lives longer than a day',
      keySetDecoder,
      { ...keySet, keys: [{ ...keySet.keys[0], notBefore: 1, notAfter: 86_402 }] },
    ],
    [
      'a key that is never valid',
      keySetDecoder,
      { ...keySet, keys: [{ ...keySet.keys[0], notBefore: 9, notAfter: 9 }] },
    ],
    ['a receipt that names a key twice', releaseReceiptDecoder, { ...receipt, keyIds: [1, 1] }],
    ['a receipt that ends before it begins', releaseReceiptDecoder, { ...receipt, notAfter: 9 }],
    [
      'released keys with an identifier twice',
      releasedKeysDecoder,
      { ...released, keys: [released.keys[0], released.keys[0]] },
    ],
    [
      'released keys with an artifact twice',
      releasedKeysDecoder,
      { ...released, artifacts: [released.artifacts[0], released.artifacts[0]] },
    ],
  ])('%s', (_what, decoder, document) => {
    expect(() => decodeDocument(encodeDocument(document), decoder)).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  })
})

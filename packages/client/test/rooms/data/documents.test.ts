import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { verifyPartyDocument } from '@sotto/protocol/contract'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  artifactImportInfo,
  artifactKeyImportDecoder,
  decodeDocument,
  PAYLOAD_TYPES,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import { describe, expect, it } from 'vitest'
import { roomParty, sealData, signDataImport, signDataStatement } from '../../../src/rooms/index.ts'
import { ARCHIVE, contentOf, contractOf, seed } from './inputs.ts'

const NOW = 1_800_000_000
const NAMED = contractOf('table')
const KMS = WRAP_SUITE.kem.importPrivate(seed(40))
const SERVICE = {
  genesis: NAMED.contract.genesis,
  importKey: toBase64Url(KMS.publicKey),
  keyPolicyDigest: '77'.repeat(32),
}
const seal = async () =>
  sealData(await contentOf('table'), ARCHIVE, { named: NAMED, input: 'letters', version: 3 })

describe('the statement about an input', () => {
  it('says which sealed bytes are which input, and is of its owner', async () => {
    const sealed = await seal()
    const { document, party } = verifyPartyDocument('data', signDataStatement(sealed, ARCHIVE, NOW), NAMED)
    expect(party.name).toBe('archive')
    expect(document).toEqual({
      format: 'sotto-contract-data/1',
      genesis: NAMED.contract.genesis,
      contract: NAMED.digest,
      input: 'letters',
      artifact: sealed.id,
      sealed: sealed.digest,
      bytes: sealed.bytes,
      content: (await contentOf('table')).digest,
      version: 3,
      at: NOW,
    })
  })

  it('counts for nothing when another party signs it', async () => {
    const envelope = signDataStatement(await seal(), roomParty(seed(4)), NOW)
    expect(() => verifyPartyDocument('data', envelope, NAMED)).toThrow(
      expect.objectContaining({ code: 'CONTRACT_SIGNATURE' }),
    )
  })
})

describe('the key of an input', () => {
  it('goes to the KMS under the contract alone, wrapped to its import key', async () => {
    const sealed = await seal()
    const envelope = parseDsse(utf8(signDataImport(sealed, ARCHIVE, SERVICE, NOW)))
    verifyDsse(envelope, PAYLOAD_TYPES.artifactKeyImport, [fromBase64Url(ARCHIVE.key)])
    const document = decodeDocument(envelope.payload, artifactKeyImportDecoder, 'import')
    expect(document).toMatchObject({
      version: 1,
      genesis: NAMED.contract.genesis,
      artifact: sealed.id,
      owner: ARCHIVE.key,
      policy: SERVICE.keyPolicyDigest,
      contract: NAMED.digest,
      createdAt: NOW,
    })
    expect(Object.keys(document).sort()).toEqual(
      ['artifact', 'contract', 'createdAt', 'enc', 'genesis', 'owner', 'policy', 'version', 'wrapped'].sort(),
    )
    expect(unwrapSecret(KMS, artifactImportInfo(document), document)).toEqual(ARCHIVE.contentKey(sealed.id))
  })

  it('is overwritten after use, also where it cannot be wrapped', async () => {
    const sealed = await seal()
    const keys: Uint8Array[] = []
    const contentKey = (artifact: string): Uint8Array => {
      const key = ARCHIVE.contentKey(artifact)
      keys.push(key)
      return key
    }
    const party = { ...ARCHIVE, contentKey }
    signDataImport(sealed, party, SERVICE, NOW)
    expect(() => signDataImport(sealed, party, { ...SERVICE, importKey: 'AAAA' }, NOW)).toThrow(
      expect.objectContaining({ code: 'WRAP_FAILED' }),
    )
    await sealData(await contentOf('table'), party, { named: NAMED, input: 'letters', version: 3 })
    expect(keys).toHaveLength(3)
    for (const key of keys) expect(key).toEqual(new Uint8Array(32))
  })

  it('does not go to the KMS of another deployment', async () => {
    const sealed = await seal()
    const elsewhere = { ...SERVICE, genesis: 'cc'.repeat(32) }
    expect(() => signDataImport(sealed, ARCHIVE, elsewhere, NOW)).toThrow(
      expect.objectContaining({ code: 'ROOM_CONTRACT', action: 'stop' }),
    )
  })
})

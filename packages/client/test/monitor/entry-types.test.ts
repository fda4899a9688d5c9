import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { fakeSigner } from '@sotto/testkit'
import { ENTRY_TYPES, readEntry } from '../../src/monitor/index.ts'

const PACKAGES = fileURLToPath(new URL('../../..', import.meta.url))

/** What is signed, hashed or sealed and never becomes an entry, and why. A type that is logged has no place here. */
const NEVER_LOGGED: Readonly<Record<string, string>> = {
  'artifact-import': 'HPKE info of an import',
  'artifact-key-import': 'an owner sends it to the KMS alone',
  'artifact-key-removal': 'an owner sends it to the KMS alone',
  'model-keys-receipt': 'the KMS answers an owner with it',
  'contract-acceptance': 'between a party and the KMS; the log holds its digest',
  'contract-closing': 'between a party and the KMS; the log holds its digest',
  'contract-data': 'between a party and the KMS; the log holds its digest',
  'contract-inquiry': 'between a party and the KMS',
  'contract-withdrawal': 'between a party and the KMS; the log holds its digest',
  'room-board': 'what opens a board at the edge',
  'room-member': 'between members of a room, sealed on its board',
  'room-output': 'from a room to receivers',
  'room-output-approval': 'between a party and the KMS',
  'room-output-wrap': 'HPKE info',
  'room-run-consent': 'between a party and the KMS',
  'run-permit': 'the KMS answers a room with it; the log holds its digest',
  'run-receipt': 'the KMS answers a room with it; the log holds its digest',
  'run-result': 'between a room and the KMS',
  'run-wrap': 'HPKE info',
  ballot: 'stands in a governance record',
  hold: 'stands in a governance record',
  proposal: 'stands in a governance record',
  'binding.enclave': 'what evidence binds',
  'binding.kms': 'what evidence binds',
  'binding.kms-handover': 'what evidence binds',
  'binding.recovery': 'what evidence binds',
  'gpu-commitment': 'what evidence binds',
  'gpu-nonce': 'what evidence binds',
  'handover-wrap': 'HPKE info',
  'release-wrap': 'HPKE info',
  share: 'HPKE info',
  'share-release': 'HPKE info',
  'share-commitment': 'what is hashed of a share',
  'inference-receipt': 'with its client, inside the encryption',
  'model-upload': 'opens an upload at a registry',
  'spend-join': 'between gateway and KMS',
  spend: 'between gateway and KMS',
  'spend-offer': 'between gateway and KMS',
  'spend-admission': 'between gateway and KMS',
  'spend-answer': 'between gateway and KMS',
  usage: 'served beside the metrics',
}

/** Every payload type of ours that stands anywhere in the sources. */
function typesInSources(): string[] {
  const files = readdirSync(PACKAGES, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /^[a-z]+\/src\/.*\.ts$/.test(name) && !name.startsWith('testkit/'),
  )
  const found = files.flatMap((name) =>
    [
      ...readFileSync(join(PACKAGES, name), 'utf8').matchAll(
        /application\/vnd\.sotto\.([a-z.-]+?)(?:\.v\d+)?\+json/g,
      ),
    ].map(([, type]) => type!),
  )
  return [...new Set(found)].toSorted()
}

test('every payload type is known by name, or is said never to be logged', () => {
  const types = typesInSources()
  expect(types.length).toBeGreaterThan(30)
  const known = (type: string): boolean => ENTRY_TYPES.has(`application/vnd.sotto.${type}+json`)
  expect(
    types.filter((type) => !known(type) && !Object.hasOwn(NEVER_LOGGED, type)),
    'add a line to packages/client/src/monitor/entries, or one here with the reason',
  ).toEqual([])
  expect(Object.keys(NEVER_LOGGED).filter(known), 'logged after all').toEqual([])
})

test('no two kinds have one name, and each refuses what is not of it', () => {
  const names = [...ENTRY_TYPES.values()].map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const [type, { name, decode }] of ENTRY_TYPES) {
    if (name === 'in-toto statement') continue
    expect(() => decode(utf8('{"version":0}')), type).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
  }
})

test('in-toto statements are told apart by their predicate', () => {
  const nameOf = (predicateType: unknown): string | undefined =>
    readEntry(
      signDsse('application/vnd.in-toto+json', utf8(JSON.stringify({ predicateType })), [fakeSigner()]),
    )?.type?.name
  expect(nameOf('https://slsa.dev/provenance/v1')).toBe('build provenance')
  expect(nameOf('https://example.com/other')).toBe('in-toto statement')
  expect(nameOf(7)).toBe('in-toto statement')
})

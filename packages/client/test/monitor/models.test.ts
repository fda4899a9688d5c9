import { expect, test } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { ownerTag, signOwnerDocument } from '@sotto/protocol/sealed-models'
import { fakeSigner } from '@sotto/testkit'
import { readEntry } from '../../src/monitor/index.ts'

const owner = fakeSigner()
const about = {
  genesis: 'ab'.repeat(32),
  owner: toBase64Url(owner.publicKey),
  name: 'notes',
  createdAt: 1_790_000_000,
}
const tag = ownerTag(owner.publicKey)
const described = (envelope: string): string[] => {
  const { type, envelope: read, genesis } = readEntry(utf8(envelope))!
  return [type!.name, type!.describe(type!.decode(read.payload) as never), genesis!]
}

test('what owners sign about their models is read in a log', () => {
  const statement = signOwnerDocument(
    'statement',
    {
      format: 'sotto-model-statement/1',
      ...about,
      version: 3,
      artifact: 'cd'.repeat(16),
      digest: '12'.repeat(32),
      bytes: 1000,
      model: '34'.repeat(32),
      task: 'embedding',
      policy: '56'.repeat(32),
    },
    owner,
  )
  expect(described(statement)).toEqual([
    'model statement',
    `${tag}/notes:3, embedding, sealed file ${'12'.repeat(32)}`,
    about.genesis,
  ])
  for (const [version, words] of [
    [3, `${tag}/notes:3`],
    ['all', `every version of ${tag}/notes`],
  ] as const) {
    const removal = signOwnerDocument(
      'removal',
      { format: 'sotto-model-removal/1', ...about, version },
      owner,
    )
    expect(described(removal)).toEqual(['model removal', words, about.genesis])
  }
})

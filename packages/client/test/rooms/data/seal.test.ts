import { concat, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseHeader } from '@sotto/protocol/sealed'
import { describe, expect, it } from 'vitest'
import { named, summaries } from '../../../../protocol/test/contract/contracts.ts'
import { SEALED_CHUNK_BYTES } from '../../../src/models/seal.ts'
import {
  type DataContent,
  roomParty,
  type SealDataOptions,
  sealData,
  type SealedData,
} from '../../../src/rooms/index.ts'
import {
  all,
  ARCHIVE,
  blob,
  changing,
  contentOf,
  contractOf,
  FILES,
  itemsOf,
  openData,
  seed,
} from './inputs.ts'

const kinds = Object.keys(FILES) as (keyof typeof FILES)[]
const HEADER_AND_TWO_CHUNKS = 2 * SEALED_CHUNK_BYTES + 1000

async function seal(
  content: DataContent,
  change: Partial<SealDataOptions> = {},
  party = ARCHIVE,
): Promise<SealedData> {
  const asked = { named: contractOf(content.manifest.kind), input: 'letters', version: 1, ...change }
  return sealData(content, party, asked)
}

/** A text of a few chunks, no two of which are alike. */
function longText(bytes: number): string {
  let text = ''
  for (let line = 0; text.length < bytes; line++) text += `${line} `
  return text.slice(0, bytes)
}

describe('sealed data', () => {
  it.each(kinds)('opens in the room as what was given: %s', async (kind) => {
    const content = await contentOf(kind)
    const sealed = await seal(content)
    const opened = await openData(sealed)
    expect(opened).toEqual({
      manifest: content.manifest,
      digest: content.digest,
      content: await all(content.read()),
    })
    if (kind !== 'text') return
    expect(await itemsOf(opened.manifest, opened.content)).toEqual(['\xc3\xa4', 'second', ''])
  })

  it('is as long as it says, has the digest that it says, and names what it is for', async () => {
    const content = await contentOf('table')
    const sealed = await seal(content, { version: 7 })
    const file = await all(sealed.read(0))
    const { contract, digest } = contractOf('table')
    expect(sealed).toMatchObject({
      genesis: contract.genesis,
      contract: digest,
      input: 'letters',
      version: 7,
      content: content.digest,
      bytes: file.length,
      digest: toHex(crypto.sha256(file)),
      id: parseHeader(file).id,
    })
  })

  it('shows nothing of the content but its length', async () => {
    const sealed = await seal(await contentOf('table'))
    const file = String.fromCharCode(...(await all(sealed.read(0))))
    for (const word of ['ada', 'customer', 'csv', 'salt', 'table']) expect(file).not.toContain(word)
  })

  it('is read from any byte', async () => {
    const content = await contentOf('text', { 'a.txt': blob(longText(HEADER_AND_TWO_CHUNKS)) })
    const sealed = await seal(content)
    const file = await all(sealed.read(0))
    const { headerBytes } = parseHeader(file)
    const chunk = SEALED_CHUNK_BYTES + 16
    const edges = [headerBytes, headerBytes + chunk, headerBytes + 2 * chunk, file.length]
    for (const at of edges.flatMap((edge) => [edge - 1, edge, edge + 1]).concat(1, 100)) {
      if (at > file.length) continue
      expect(await all(sealed.read(at)), `from ${at}`).toEqual(file.subarray(at))
    }
  })

  it('tells of the bytes that were sealed once', async () => {
    let told = 0
    const content = await contentOf('text')
    const sealed = await seal(content, { onBytes: (bytes) => (told += bytes) })
    await all(sealed.read(0))
    expect(told).toBe(content.bytes)
  })

  it('ends when it is given up, while it is sealed and while it is read', async () => {
    const controller = new AbortController()
    const content = await contentOf('table')
    const sealed = await seal(content, { signal: controller.signal })
    controller.abort(new Error('given up'))
    await expect(all(sealed.read(0))).rejects.toThrow('given up')
    await expect(seal(content, { signal: controller.signal })).rejects.toThrow('given up')
  })
})

describe('sealing again', () => {
  it('gives the same bytes for the same data in the same place', async () => {
    const [one, other] = [await seal(await contentOf('table')), await seal(await contentOf('table'))]
    expect(other).toMatchObject({ id: one.id, digest: one.digest, bytes: one.bytes })
    expect(await all(other.read(0))).toEqual(await all(one.read(0)))
    // Two ways of sealing must not share a key: whatever changes this has to change the name of the way.
    expect([one.id, one.digest]).toEqual([
      '88c6aa21395065899a899059f0434f6d',
      'f236e99b7d82e1e1d2656f58612d3e3ff8009187544d43ae34e6dde429f60506',
    ])
  })

  it('has another key for every version, input, contract, deployment, owner and content', async () => {
    const content = await contentOf('table')
    const { contract, digest } = contractOf('table')
    const [letters, model] = contract.inputs
    const renamed = { ...contract, inputs: [{ ...letters!, name: 'post' }, model!] }
    const elsewhere = { ...contract, genesis: 'cc'.repeat(32) }
    const other = roomParty(seed(4))
    const archive = { ...contract.parties[0]!, key: other.key }
    const ours = { ...contract, parties: [archive, ...contract.parties.slice(1)] }
    const all = await Promise.all([
      seal(content),
      seal(content, { version: 2 }),
      seal(content, { named: { contract: renamed, digest }, input: 'post' }),
      seal(content, { named: { contract, digest: 'dd'.repeat(32) } }),
      seal(content, { named: { contract: elsewhere, digest } }),
      seal(content, { named: { contract: ours, digest } }, other),
      seal(await contentOf('table', { 'a.csv': blob('customer,amount\nada,13\n') })),
    ])
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    const keys = all.map(({ id }, at) => toHex((at === 5 ? other : ARCHIVE).contentKey(id)))
    expect(new Set(keys).size).toBe(all.length)
  })
})

describe('data that changes', () => {
  const text = longText(HEADER_AND_TWO_CHUNKS)
  const later = `${text.slice(0, SEALED_CHUNK_BYTES)}X${text.slice(SEALED_CHUNK_BYTES + 1)}`

  it('between hashing and sealing is refused', async () => {
    const content = await contentOf('text', { 'a.txt': changing(text, later) })
    await expect(seal(content)).rejects.toMatchObject({ code: 'ROOM_DATA_SOURCE', action: 'fix-input' })
  })

  it('between sealing and reading leaves not one byte of what changed', async () => {
    const content = await contentOf('text', { 'a.txt': changing(text, text, later) })
    const sealed = await seal(content)
    const whole = await all((await seal(await contentOf('text', { 'a.txt': blob(text) }))).read(0))
    const left: Uint8Array[] = []
    const read = async (): Promise<void> => {
      for await (const piece of sealed.read(0)) left.push(piece)
    }
    await expect(read()).rejects.toMatchObject({
      code: 'ROOM_DATA_SOURCE',
      message: 'the data changed after it was looked at',
    })
    const bytes = concat(...left)
    expect(bytes).toEqual(whole.subarray(0, bytes.length))
    expect(bytes.length).toBeLessThan(parseHeader(whole).headerBytes + 2 * SEALED_CHUNK_BYTES)
  })

  it.each([
    ['shorter', text.slice(0, -1)],
    ['longer', `${text}${text}`],
    ['gone', ''],
  ])('and is %s is not sealed', async (_what, changed) => {
    const content = await contentOf('text', { 'a.txt': changing(text, changed) })
    await expect(seal(content)).rejects.toMatchObject({ code: 'ROOM_DATA_SOURCE' })
  })
})

describe('what the contract says', () => {
  it('decides who owns the input, and whether there is one', async () => {
    const content = await contentOf('text')
    await expect(seal(content, { input: 'memos' })).rejects.toMatchObject({
      code: 'ROOM_CONTRACT',
      message: 'the contract has no such input',
      expected: 'letters, t5',
    })
    await expect(seal(content, {}, roomParty(seed(4)))).rejects.toMatchObject({
      code: 'ROOM_CONTRACT',
      message: "letters is another party's input",
    })
  })

  it('decides of what kind it is', async () => {
    const asked = seal(await contentOf('table'), { named: contractOf('text') })
    await expect(asked).rejects.toMatchObject({
      code: 'ROOM_DATA_SOURCE',
      message: 'letters is another kind of input',
      expected: 'text',
      found: 'table',
    })
  })

  it('lets no other content in where it was agreed on, and that one in any version', async () => {
    const content = await contentOf('code')
    const agreed = contractOf('code', content.digest)
    const [one, two] = [
      await seal(content, { named: agreed }),
      await seal(content, { named: agreed, version: 2 }),
    ]
    expect([one.content, two.content]).toEqual([content.digest, content.digest])
    const other = await contentOf('code', { 'a.wasm': blob('\0asm\x01\0\0\0', 'else') })
    await expect(seal(other, { named: agreed })).rejects.toMatchObject({
      code: 'ROOM_DATA_SOURCE',
      message: 'letters is not the content that the parties agreed on',
      expected: content.digest,
      found: other.digest,
    })
  })

  it('can name content that was looked at with its draft', async () => {
    const draft = summaries()
    const content = await contentOf('text', FILES.text, { contract: draft })
    draft.inputs[0]!.content = content.digest
    const sealed = await seal(content, { named: named(draft) })
    expect((await openData(sealed)).digest).toBe(content.digest)
  })

  it.each([0, -1, 1.5, 2 ** 31 + 1, Number.NaN])('knows no version %s', async (version) => {
    await expect(seal(await contentOf('text'), { version })).rejects.toThrow(RangeError)
  })
})

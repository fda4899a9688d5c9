import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  encodeOutputMetadata,
  outputDigest,
  type OutputMetadata,
  type SealedOutput,
  signSealedOutput,
  wrapOutputKeys,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'
import { parseHeader, type RangeReader, sealArtifact } from '@sotto/protocol/sealed'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openOutput, type OpenedOutput, type OpenOutputOptions, roomParty } from '../../../src/rooms/index.ts'
import { all, rangesOf, seed } from './inputs.ts'

const signer = (fill: number): DsseSigner => ({
  secretSeed: seed(fill),
  publicKey: crypto.ed25519.importPrivate(seed(fill)).publicKey,
})
const ROOM = signer(20)
const RUN = '33'.repeat(32)
const EXPECTED: OpenOutputOptions = { run: RUN, receiptKey: toBase64Url(ROOM.publicKey) }
const BANK = roomParty(seed(21))
const SHOP = roomParty(seed(22))
const CONTENT_KEY = seed(23)
const SALT = seed(24)
const ID = '44'.repeat(16)
const TEXT = 'segment,people\nnorth,42\n'

interface Made {
  envelope: string
  file: Uint8Array
}

/** What a room makes of an output. */
async function make(
  content: Uint8Array,
  change: { stated?: Partial<SealedOutput>; metadata?: Partial<OutputMetadata>; room?: DsseSigner } = {},
): Promise<Made> {
  const of = { genesis: '11'.repeat(32), contract: '22'.repeat(32), run: RUN, output: 'offers', artifact: ID }
  const metadata = encodeOutputMetadata({
    format: 'sotto-room-output-content/1',
    run: RUN,
    output: 'offers',
    salt: toBase64Url(SALT),
    ...change.metadata,
  })
  const file = await all(sealed(content, metadata))
  const stated: SealedOutput = {
    format: 'sotto-room-output/1',
    ...of,
    digest: outputDigest(SALT, [content]),
    bytes: content.length,
    sealed: toHex(crypto.sha256(file)),
    keys: wrapOutputKeys(of, [BANK.as('bank')], CONTENT_KEY),
    ...change.stated,
  }
  return { envelope: signSealedOutput(stated, change.room ?? ROOM), file }
}

function sealed(content: Uint8Array, metadata: string, id = ID): AsyncIterable<Uint8Array> {
  return sealArtifact({
    contentKey: CONTENT_KEY,
    plaintextBytes: content.length,
    metadata,
    id,
    chunkBytes: 65_536,
    salt: seed(25),
    source: [content],
  }).sealed
}

async function open(
  { envelope, file }: Made,
  change: Partial<OpenOutputOptions> = {},
  party = BANK,
  name = 'bank',
): Promise<OpenedOutput> {
  return openOutput(envelope, () => rangesOf(file), party, name, { ...EXPECTED, ...change })
}

/** Code of the refusal; `none` where it is opened. */
async function codeOf(
  made: Made,
  ...more: [Partial<OpenOutputOptions>?, typeof BANK?, string?]
): Promise<string> {
  return open(made, ...more).then(
    () => 'none',
    (error: { code: string }) => error.code,
  )
}

describe('an output', () => {
  it('is opened by its receiver', async () => {
    const opened = await open(await make(utf8(TEXT)))
    expect(opened.name).toBe('offers')
    expect(fromUtf8(opened.content)).toBe(TEXT)
    expect(opened.stated).toMatchObject({ run: RUN, bytes: TEXT.length, artifact: ID })
    // By which it is found among what the run let out.
    expect(opened.salt).toBe(toBase64Url(SALT))
  })

  it('property: of any size comes back', async () => {
    const sizes = fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072, 200_000)
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 0, max: 255 }), async (size, fill) => {
        const content = new Uint8Array(size).fill(fill)
        expect((await open(await make(content))).content).toEqual(content)
      }),
      { numRuns: process.env['SLOW'] ? 60 : 10 },
    )
  })

  it('is not opened by a party that it is not for, nor with the key of one', async () => {
    const made = await make(utf8(TEXT))
    expect(await codeOf(made, {}, SHOP, 'shop')).toBe('CONTRACT_PARTY')
    expect(await codeOf(made, {}, SHOP, 'bank')).toBe('WRAP_FAILED')
  })

  it('is refused before anything is fetched where its statement is not the room’s', async () => {
    const made = await make(utf8(TEXT))
    const never = (): RangeReader => {
      throw new Error('fetched')
    }
    const ask = (envelope: string, change: Partial<OpenOutputOptions>) =>
      openOutput(envelope, never, BANK, 'bank', { ...EXPECTED, ...change })
    await expect(ask(made.envelope, { run: '34'.repeat(32) })).rejects.toMatchObject({
      code: 'CONTRACT_OTHER',
    })
    await expect(ask(made.envelope, { receiptKey: BANK.key })).rejects.toMatchObject({
      code: 'CONTRACT_SIGNATURE',
    })
    await expect(ask('{}', {})).rejects.toMatchObject({ code: 'CONTRACT_MALFORMED' })
    await expect(ask(made.envelope, { maxBytes: TEXT.length - 1 })).rejects.toMatchObject({
      code: 'ROOM_OUTPUT',
      action: 'stop',
      message: 'the output is larger than what is taken here',
      found: `${TEXT.length}`,
    })
    await expect(ask(made.envelope, {})).rejects.toThrow('fetched')
  })

  it('may have exactly as many bytes as are taken', async () => {
    expect((await open(await make(utf8(TEXT)), { maxBytes: TEXT.length })).content).toHaveLength(TEXT.length)
  })
})

describe('the sealed file of an output', () => {
  it('is asked for by the digest that was stated, in few and bounded requests, and not past its end', async () => {
    const made = await make(new Uint8Array(20 * 2 ** 20).fill(7))
    const asked: number[] = []
    let most = 0
    const reader = (digest: string, maxBytes: number): RangeReader => {
      expect(digest).toBe(toHex(crypto.sha256(made.file)))
      expect(maxBytes).toBeGreaterThanOrEqual(made.file.length)
      expect(maxBytes).toBeLessThan(made.file.length + 20_000)
      return async (start, length) => {
        expect(start + length).toBeLessThanOrEqual(made.file.length)
        asked.push(start)
        most = Math.max(most, length)
        return rangesOf(made.file)(start, length)
      }
    }
    const { content } = await openOutput(made.envelope, reader, BANK, 'bank', EXPECTED)
    expect(content.length).toBe(20 * 2 ** 20)
    expect(asked.length).toBeLessThanOrEqual(6)
    expect(most).toBeLessThanOrEqual(2 ** 23)
  })

  it('may come in shorter pieces than were asked for, as long as each has a whole chunk', async () => {
    const content = new Uint8Array(300_000).map((_byte, at) => at)
    const made = await make(content)
    const scant: RangeReader = async (start, length) => rangesOf(made.file)(start, Math.min(length, 70_000))
    const opened = await openOutput(made.envelope, () => scant, BANK, 'bank', EXPECTED)
    expect(opened.content).toEqual(content)
  })
})

describe('a sealed file that is not the one that was stated', () => {
  it('is refused where a keeper changed, cut or moved a byte of it', async () => {
    const made = await make(new Uint8Array(200_000).fill(7))
    const { headerBytes } = parseHeader(made.file)
    const places = [
      0,
      9,
      20,
      30,
      60,
      100,
      headerBytes - 1,
      headerBytes,
      headerBytes + 65_552,
      made.file.length - 1,
    ]
    for (const at of places) {
      const file = made.file.slice()
      file[at]! ^= 1
      expect(await codeOf({ ...made, file }), `byte ${at}`).toMatch(/^SEALED_|^ROOM_OUTPUT/)
    }
    for (const cut of [0, 10, headerBytes, headerBytes + 65_552, made.file.length - 1])
      expect(await codeOf({ ...made, file: made.file.subarray(0, cut) }), `cut at ${cut}`).toMatch(/^SEALED_/)
  })

  it('is refused where another receiver sealed something else with the same key', async () => {
    const made = await make(utf8(TEXT))
    const metadata = encodeOutputMetadata({
      format: 'sotto-room-output-content/1',
      run: RUN,
      output: 'offers',
      salt: toBase64Url(SALT),
    })
    const forged = (text: string, id = ID) => all(sealed(utf8(text), metadata, id))
    const same = TEXT.replace('42', '99')
    expect(await codeOf({ ...made, file: await forged(same) })).toBe('ROOM_OUTPUT')
    expect(await codeOf({ ...made, file: await forged(`${TEXT}more`) })).toBe('ROOM_OUTPUT')
    expect(await codeOf({ ...made, file: await forged(TEXT, '45'.repeat(16)) })).toMatch(/^SEALED_/)
  })

  it('is refused before it is held where it is longer than stated', async () => {
    const long = await make(new Uint8Array(300_000))
    const short = await make(utf8(TEXT))
    let read = 0
    const counting: RangeReader = async (start, length) => {
      read += length
      return rangesOf(long.file)(start, length)
    }
    await expect(openOutput(short.envelope, () => counting, BANK, 'bank', EXPECTED)).rejects.toMatchObject({
      code: 'ROOM_OUTPUT',
      message: 'the sealed file is not as long as its room stated',
    })
    expect(read).toBeLessThan(1000)
  })

  it('is refused where a keeper shows another beginning the second time', async () => {
    const [made, other] = [await make(utf8(TEXT)), await make(utf8(TEXT.replace('42', '43')))]
    let reads = 0
    const fickle: RangeReader = async (start, length) =>
      rangesOf(reads++ === 0 ? made.file : other.file)(start, length)
    await expect(openOutput(made.envelope, () => fickle, BANK, 'bank', EXPECTED)).rejects.toMatchObject({
      code: 'ROOM_OUTPUT',
      message: 'this is not the sealed file that the room stated',
    })
  })
})

describe('a room that contradicts itself', () => {
  it.each<[string, Parameters<typeof make>[1], string]>([
    ['another digest', { stated: { digest: '00'.repeat(32) } }, 'CONTRACT_OTHER'],
    ['another run inside', { metadata: { run: '35'.repeat(32) } }, 'CONTRACT_OTHER'],
    ['another output inside', { metadata: { output: 'other' } }, 'CONTRACT_OTHER'],
    ['another salt inside', { metadata: { salt: toBase64Url(seed(1)) } }, 'CONTRACT_OTHER'],
    ['another length', { stated: { bytes: TEXT.length + 1 } }, 'ROOM_OUTPUT'],
    ['another file', { stated: { sealed: '00'.repeat(32) } }, 'ROOM_OUTPUT'],
    ['another artifact', { stated: { artifact: '46'.repeat(16) } }, 'WRAP_FAILED'],
    ['a key of its own', { room: signer(26) }, 'CONTRACT_SIGNATURE'],
  ])('is refused: %s', async (_what, change, code) => {
    expect(await codeOf(await make(utf8(TEXT), change))).toBe(code)
  })

  it('is refused where what it sealed is no output', async () => {
    const file = await all(sealed(utf8(TEXT), '{}'))
    const made = await make(utf8(TEXT), { stated: { sealed: toHex(crypto.sha256(file)) } })
    expect(await codeOf({ ...made, file })).toBe('CONTRACT_MALFORMED')
  })
})

import { createCipheriv, createHash, randomFillSync } from 'node:crypto'
import { mkdtempSync, openAsBlob, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dataContent, sealData } from '@sotto/client/rooms'
import { RunInputs } from '../../packages/enclave/src/room/inputs/run-inputs.ts'
import { show, type Spread, spread } from '../support/stats.ts'
import { contractOver, OWNERS } from './room-contract.ts'
import { drainInput } from './room-query.ts'
import { NearBoard, sealTable } from './sealed-table.ts'
import { PEOPLE } from './tables.ts'

/** How sealing and opening are measured. */
export interface SealingOptions {
  readonly megabytes: number
  readonly rounds: number
  readonly say: (line: string) => void
}

/** What one step does to every byte: the limit is as many passes of `node:crypto` over bytes that are in memory. */
interface Step {
  readonly name: string
  readonly ciphers: number
  readonly hashes: number
  readonly run: () => Promise<void>
}

export interface SealingFigures {
  name: string
  /** Of processor time. */
  ms: Spread
  gigabytesPerSecond: number
  /** Best of the step over best of the limit. */
  ratio: number
}

export interface SealingFound {
  megabytes: number
  cipherMs: Spread
  hashMs: Spread
  figures: SealingFigures[]
}

/** OpenSSL is fastest on pieces that stay in the cache. */
const PIECE_BYTES = 65_536

/**
 * Sealing on an owner's machine and opening in a room, beside AES-256-GCM and SHA-256 over the same bytes, in processor
 * time: what else the machine does is not in it, and one core does at most so much.
 */
export async function measureSealing({ megabytes, rounds, say }: SealingOptions): Promise<SealingFound> {
  const folder = mkdtempSync(join('/dev/shm', 'sotto-bench-rooms-'))
  const board = new NearBoard()
  try {
    const file = join(folder, 'table.parquet')
    const bytes = await writeIncompressible(file, megabytes)
    const named = contractOver([PEOPLE])
    const party = OWNERS[PEOPLE.owner]!
    const source = await sealTable(file, PEOPLE.name, { party, named, board })
    const look = async () => {
      const files = { 'table.parquet': await openAsBlob(file) }
      return dataContent('table', files, { party, contract: named.contract, columns: PEOPLE.columns })
    }
    const content = await look()
    const seal = () => sealData(content, party, { named, input: PEOPLE.name, version: 1 })
    const sealed = await seal()
    const steps: Step[] = [
      { name: 'look at', ciphers: 0, hashes: 1, run: async () => void (await look()) },
      // The content's hash again, and that of the sealed file.
      { name: 'seal, to learn the digest', ciphers: 1, hashes: 2, run: async () => void (await seal()) },
      { name: 'seal, on its way out', ciphers: 1, hashes: 1, run: () => drain(sealed.read(0)) },
      {
        name: 'open in a room',
        ciphers: 1,
        hashes: 2,
        run: async () => void (await drainInput(source, board)),
      },
      { name: 'open into a memory file', ciphers: 1, hashes: 2, run: () => openIntoFile(source, board) },
    ]
    const passes = { cipher: [] as number[], hash: [] as number[] }
    const times = steps.map(() => [] as number[])
    for (let round = 0; round <= rounds; round++) {
      const limits = {
        cipher: await cpuMsOf(() => cipherOnce(bytes)),
        hash: await cpuMsOf(() => hashOnce(bytes)),
      }
      const taken: number[] = []
      for (const { run } of steps) {
        taken.push(await cpuMsOf(run))
      }
      if (round === 0) continue
      passes.cipher.push(limits.cipher)
      passes.hash.push(limits.hash)
      for (const [at, ms] of taken.entries()) times[at]!.push(ms)
    }
    const [cipherMs, hashMs] = [spread(passes.cipher), spread(passes.hash)]
    const figures = steps.map(({ name, ciphers, hashes }, at) => {
      const ms = spread(times[at]!)
      const limit = ciphers * cipherMs.min + hashes * hashMs.min
      return { name, ms, gigabytesPerSecond: megabytes / ms.min, ratio: ms.min / limit }
    })
    const rate = (ms: Spread): string => `${show(ms, 'ms', 0)}, ${(megabytes / ms.min).toFixed(2)} GB/s`
    say(`sealing and opening of ${megabytes} MB, processor time; smallest / middle / largest`)
    say(`  limit: AES-256-GCM ${rate(cipherMs)}; SHA-256 ${rate(hashMs)}`)
    for (const [at, { name, ms, ratio }] of figures.entries()) {
      const { ciphers, hashes } = steps[at]!
      say(`  ${name.padEnd(26)} ${rate(ms)}; ${ratio.toFixed(2)} x of ${ciphers} AES + ${hashes} SHA`)
    }
    return { megabytes, cipherMs, hashMs, figures }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Bytes that look like Parquet from the outside, which is all that an owner's machine looks at. */
async function writeIncompressible(file: string, megabytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(megabytes * 1e6)
  for (let at = 0; at < bytes.length; at += 2 ** 24) randomFillSync(bytes.subarray(at, at + 2 ** 24))
  const magic = Buffer.from('PAR1')
  bytes.set(magic)
  bytes.set(magic, bytes.length - magic.length)
  await writeFile(file, bytes)
  return bytes
}

async function openIntoFile(source: Parameters<typeof drainInput>[0], board: NearBoard): Promise<void> {
  const inputs = new RunInputs({
    sources: [{ ...source, contentKey: source.contentKey.slice() }],
    board,
    access: { board: '', token: '' },
    signal: new AbortController().signal,
  })
  try {
    await inputs.file(source.input.name)
  } finally {
    inputs.close()
  }
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) void piece
}

function cipherOnce(bytes: Uint8Array): void {
  const cipher = createCipheriv('aes-256-gcm', new Uint8Array(32), new Uint8Array(12))
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) cipher.update(bytes.subarray(at, at + PIECE_BYTES))
  cipher.final()
}

function hashOnce(bytes: Uint8Array): void {
  const hash = createHash('sha256')
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) hash.update(bytes.subarray(at, at + PIECE_BYTES))
  hash.digest()
}

/** Processor time of all threads of this process, in milliseconds. */
async function cpuMsOf(run: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

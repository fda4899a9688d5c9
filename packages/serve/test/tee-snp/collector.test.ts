import { toBase64Url } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { parseCertificateTable, snpHardware, type TsmFiles } from '../../src/tee-snp/index.ts'

const VCEK = '63da758de6644564adc5f4b93be8accd'
const ASK = '4ab7b379bbac4fe4a02f05aef327c782'
const ARK = 'c0b406a4a803495297433fb6014cd0ae'

function table(entries: { guid: string; der: Uint8Array; offset?: number }[]): Uint8Array {
  const head = (entries.length + 1) * 24
  const out = Buffer.alloc(head + entries.reduce((sum, entry) => sum + entry.der.length, 0))
  let at = head
  entries.forEach(({ guid, der, offset }, index) => {
    Buffer.from(guid, 'hex').copy(out, index * 24)
    out.writeUInt32LE(offset ?? at, index * 24 + 16)
    out.writeUInt32LE(der.length, index * 24 + 20)
    Buffer.from(der).copy(out, at)
    at += der.length
  })
  return out
}

/** The kernel's side of configfs-tsm, as far as one report needs it. */
class FakeTsm implements TsmFiles {
  readonly directories = new Set<string>()
  aux: Uint8Array = table([
    { guid: ARK, der: new Uint8Array([3]) },
    { guid: VCEK, der: new Uint8Array([1]) },
    { guid: ASK, der: new Uint8Array([2, 2]) },
  ])
  provider = 'sev_guest\n'
  generations = ['1\n']
  written = new Map<string, Uint8Array>()
  stuck = false

  async mkdir(path: string): Promise<void> {
    if (this.directories.has(path)) throw Object.assign(new Error('exists'), { code: 'EEXIST' })
    this.directories.add(path)
  }
  async rmdir(path: string): Promise<void> {
    this.directories.delete(path)
  }
  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.written.set(path, bytes)
  }
  async read(path: string): Promise<Uint8Array> {
    if (path.endsWith('/provider')) return Buffer.from(this.provider)
    if (path.endsWith('/auxblob')) return this.aux
    if (path.endsWith('/generation')) return Buffer.from(this.generations.shift() ?? '1')
    if (this.stuck) await new Promise(() => undefined)
    const report = new Uint8Array(1184)
    report.set(this.written.get(path.replace('outblob', 'inblob'))!, 0x50)
    return report
  }
}

test('collects a report over the given bytes with the chain leaf first, and cleans up', async () => {
  const files = new FakeTsm()
  const reportData = new Uint8Array(64).fill(7)
  const evidence = await snpHardware({ files }).collectEvidence(reportData)
  expect(evidence.family).toBe('snp')
  expect(Buffer.from(evidence.report, 'base64url').subarray(0x50, 0x90)).toEqual(Buffer.from(reportData))
  expect(evidence.chain).toEqual([[1], [2, 2], [3]].map((der) => toBase64Url(new Uint8Array(der))))
  expect(files.directories.size).toBe(0)
})

test('uses the configured certificates when the host attaches none', async () => {
  const files = new FakeTsm()
  files.aux = new Uint8Array()
  const evidence = await snpHardware({ files, certificates: [new Uint8Array([9])] }).collectEvidence(
    new Uint8Array(64),
  )
  expect(evidence.chain).toEqual(['CQ'])
})

test('asks again when somebody else used the directory in between', async () => {
  const files = new FakeTsm()
  files.generations = ['2', '3', '1']
  await snpHardware({ files }).collectEvidence(new Uint8Array(64))
  files.generations = ['2', '2', '2']
  await expect(snpHardware({ files }).collectEvidence(new Uint8Array(64))).rejects.toMatchObject({
    code: 'TEE_UNAVAILABLE',
  })
})

test.each<[string, (files: FakeTsm) => void, string]>([
  ['another provider', (files) => (files.provider = 'tdx_guest'), 'TEE_UNAVAILABLE'],
  ['no answer', (files) => (files.stuck = true), 'TEE_UNAVAILABLE'],
  [
    'no such directory',
    (files) => (files.mkdir = () => Promise.reject(new Error('ENOENT'))),
    'TEE_UNAVAILABLE',
  ],
  [
    'a table that points outside',
    (files) => (files.aux = table([{ guid: ARK, der: new Uint8Array(4), offset: 9999 }])),
    'TEE_MALFORMED',
  ],
])('refuses %s', async (_, change, code) => {
  const files = new FakeTsm()
  change(files)
  await expect(
    snpHardware({ files, timeoutMs: 30 }).collectEvidence(new Uint8Array(64)),
  ).rejects.toMatchObject({ code })
})

test('offers no sealing key', async () => {
  await expect(snpHardware({ files: new FakeTsm() }).deriveSealingKey('x')).rejects.toMatchObject({
    code: 'TEE_NO_SEALING',
    action: 'stop',
  })
})

test('reads both byte orders of a GUID and ignores unknown ones', () => {
  const mixed = `${'8d75da63'}${'64e6'}${'6445'}adc5f4b93be8accd`
  const parsed = parseCertificateTable(
    table([
      { guid: mixed, der: new Uint8Array([5]) },
      { guid: 'ff'.repeat(16), der: new Uint8Array([6]) },
    ]),
  )
  expect(parsed.map((der) => [...der])).toEqual([[5]])
  expect(parseCertificateTable(new Uint8Array(10))).toEqual([])
})

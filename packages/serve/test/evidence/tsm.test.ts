import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { collectTsmReport } from '@sotto/serve/evidence'
import { tsmModel } from './tsm-model.ts'

const data = new Uint8Array(64).fill(5)

describe('a report through configfs-tsm', () => {
  it('is about our data, and its entry is gone afterwards', async () => {
    const { machine, entries, made, written } = tsmModel({ auxblob: utf8('certificates') })
    await expect(collectTsmReport(machine, data)).resolves.toEqual({
      provider: 'sev_guest',
      outblob: concat(utf8('sev_guest:'), data),
      auxblob: utf8('certificates'),
    })
    expect(written).toEqual([{ name: 'inblob', bytes: data }])
    expect(made).toEqual([expect.stringMatching(/^sotto-[0-9a-f]{32}$/)])
    expect(entries.size).toBe(0)
  })

  it('has no certificates where the provider has none', async () => {
    for (const auxblob of [null, new Uint8Array(0)]) {
      const { machine } = tsmModel({ provider: 'tdx_guest', auxblob })
      const report = await collectTsmReport(machine, data)
      expect(report).toMatchObject({ provider: 'tdx_guest', auxblob: undefined })
    }
  })

  it('asks for a privilege level in decimal, before the data', async () => {
    const { machine, written } = tsmModel({ report: (_data, level) => Uint8Array.of(level!) })
    await expect(collectTsmReport(machine, data, { privilegeLevel: 2 })).resolves.toMatchObject({
      outblob: Uint8Array.of(2),
    })
    expect(written.map(({ name }) => name)).toEqual(['privlevel', 'inblob'])
    expect(written[0]!.bytes).toEqual(utf8('2'))
  })

  it('gives many callers at once each the report of their own data', async () => {
    const { machine, entries, made } = tsmModel({ delayMs: 3 })
    const all = Array.from({ length: 12 }, () => crypto.randomBytes(64))
    const reports = await Promise.all(all.map((one) => collectTsmReport(machine, one)))
    expect(reports.map(({ outblob }) => outblob.subarray(10))).toEqual(all)
    expect(new Set(made).size).toBe(12)
    expect(entries.size).toBe(0)
  })

  it('waits while the provider is busy', async () => {
    const { machine } = tsmModel({ failures: ['EBUSY', 'EAGAIN', 'EINTR'] })
    await expect(collectTsmReport(machine, data)).resolves.toMatchObject({ provider: 'sev_guest' })
  })
})

describe('somebody else who writes into the entry', () => {
  it('once, makes us start again with another entry', async () => {
    let isFirst = true
    const { machine, made, entries } = tsmModel({
      intrude(entry) {
        if (isFirst) Object.assign(entry, { inblob: new Uint8Array(64), writes: entry.writes + 1 })
        isFirst = false
      },
    })
    const { outblob } = await collectTsmReport(machine, data)
    expect(outblob.subarray(10)).toEqual(data)
    expect(made).toHaveLength(2)
    expect(entries.size).toBe(0)
  })

  it('always, is named', async () => {
    const { machine, entries } = tsmModel({ intrude: (entry) => void entry.writes++ })
    await expect(collectTsmReport(machine, data)).rejects.toMatchObject({
      code: 'COLLECT_BUSY',
      action: 'retry',
    })
    expect(entries.size).toBe(0)
  })
})

describe('no report', () => {
  it.each([
    ['EACCES', 'COLLECT_DENIED', /run as root/],
    ['EPERM', 'COLLECT_DENIED', /run as root/],
    ['ENOENT', 'COLLECT_UNAVAILABLE', /mount -t configfs/],
    ['EIO', 'COLLECT_FAILED', undefined],
  ])('after %s says what to do', async (denied, code, hint) => {
    const error: unknown = await collectTsmReport(tsmModel({ denied }).machine, data).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code, message: `the report of the processor: ${denied}` })
    if (hint) expect((error as { hint: string }).hint).toMatch(hint)
  })

  it('comes from a provider that nobody here verifies', async () => {
    const { machine, entries } = tsmModel({ provider: 'arm_cca_guest' })
    await expect(collectTsmReport(machine, data)).rejects.toMatchObject({
      code: 'COLLECT_UNAVAILABLE',
      found: 'arm_cca_guest',
    })
    expect(entries.size).toBe(0)
  })

  it('comes when the quoting enclave of the host hangs, and the entry goes when it lets go', async () => {
    const { machine, entries } = tsmModel({ delayMs: 400 })
    const started = performance.now()
    await expect(collectTsmReport(machine, data, { timeoutMs: 60 })).rejects.toMatchObject({
      code: 'COLLECT_TIMEOUT',
    })
    expect(performance.now() - started).toBeLessThan(300)
    expect(entries.size).toBe(1)
    await expect.poll(() => entries.size).toBe(0)
  })

  it('comes while the provider stays busy', async () => {
    const { machine, entries } = tsmModel({ failures: Array.from({ length: 100 }, () => 'EBUSY') })
    await expect(collectTsmReport(machine, data, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'COLLECT_BUSY',
    })
    expect(entries.size).toBe(0)
  })

  it.each([
    ['empty', new Uint8Array(0)],
    ['larger than any report', new Uint8Array(32_769)],
  ])('is believed that is %s', async (_what, report) => {
    const { machine, entries } = tsmModel({ report: () => report })
    await expect(collectTsmReport(machine, data)).rejects.toMatchObject({ code: 'COLLECT_MALFORMED' })
    expect(entries.size).toBe(0)
  })

  it('is asked for with wrong data or an unknown level', async () => {
    const { machine, made } = tsmModel()
    for (const length of [0, 63, 65])
      await expect(collectTsmReport(machine, new Uint8Array(length))).rejects.toMatchObject({
        code: 'COLLECT_INPUT',
      })
    await expect(collectTsmReport(machine, data, { privilegeLevel: 4 })).rejects.toMatchObject({
      code: 'COLLECT_INPUT',
    })
    expect(made).toEqual([])
  })
})

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { followLines, lastLines } from '../../../src/deploy/logs/read.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-logs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
})

const event = (second: number, name = 'tick'): string =>
  `{"time":"2026-11-29T08:00:${String(second).padStart(2, '0')}.000Z","role":"x","event":"${name}"}`
const put = (role: string, ...lines: string[]): void =>
  writeFileSync(join(folder, `${role}.log`), lines.map((line) => `${line}\n`).join(''))
const add = (role: string, text: string): void => appendFileSync(join(folder, `${role}.log`), text)
const read = async (count = 50, roles?: string[]): Promise<string[]> =>
  (await lastLines(folder, roles, count)).lines.map(({ role, line }) => `${role} ${line}`)

describe('the newest lines', () => {
  it('of several roles stand in the order of their time, and what has none behind what it was written behind', async () => {
    put('kms', event(1), event(4), 'error: kms: X', 'hint: y')
    put('relay', event(2), event(4), event(5))
    put('log', 'before any event', event(3))
    expect(await read()).toEqual([
      'log before any event',
      `kms ${event(1)}`,
      `relay ${event(2)}`,
      `log ${event(3)}`,
      `kms ${event(4)}`,
      'kms error: kms: X',
      'kms hint: y',
      `relay ${event(4)}`,
      `relay ${event(5)}`,
    ])
    expect(await read(2)).toEqual([`relay ${event(4)}`, `relay ${event(5)}`])
    expect(await read(50, ['log'])).toEqual(['log before any event', `log ${event(3)}`])
  })

  it('are those of roles: not of the command itself, nor of files with other names', async () => {
    put('kms', event(1))
    for (const name of ['up.log', 'KMS.log', 'kms.log.1', '..log', 'x.txt', `${'a'.repeat(33)}.log`])
      writeFileSync(join(folder, name), `${event(2)}\n`)
    expect((await lastLines(folder, undefined, 50)).roles).toEqual(['kms'])
    expect(await lastLines(join(folder, 'none'), undefined, 50)).toMatchObject({ lines: [], roles: [] })
  })

  it('are whole: what begins before the part that is read is left out, and so is what is still written', async () => {
    const filler = `{"time":"2026-11-29T08:00:00.000Z","role":"x","event":"filler"}\n`
    writeFileSync(
      join(folder, 'kms.log'),
      `${filler.repeat(20_000)}${event(9)}\n{"time":"2026-11-29T08:00:10`,
    )
    const lines = await read(100_000)
    expect(lines.at(-1)).toBe(`kms ${event(9)}`)
    expect(lines.length).toBeGreaterThan(10_000)
    expect(lines.length).toBeLessThan(20_000)
    for (const line of lines) expect(line).toMatch(/^kms \{"time":".*\}$/)
  })

  it('are none of a file of one endless line, which is not read whole', async () => {
    writeFileSync(join(folder, 'kms.log'), 'x'.repeat(3 * 2 ** 20))
    expect(await lastLines(folder, undefined, 50)).toMatchObject({ lines: [], roles: ['kms'] })
  })
})

describe('following', () => {
  async function follow(): Promise<{ said: string[]; end(): Promise<void> }> {
    const said: string[] = []
    const abort = new AbortController()
    const { places } = await lastLines(folder, undefined, 50)
    const done = followLines(folder, places, (role, line) => void said.push(`${role} ${line}`), abort.signal)
    onTestFinished(() => abort.abort())
    return {
      said,
      async end() {
        abort.abort()
        await done
      },
    }
  }

  it('tells what comes, once, with a line that was begun before', async () => {
    put('kms', event(1))
    put('relay')
    add('kms', event(2).slice(0, 30))
    const { said, end } = await follow()
    add('kms', `${event(2).slice(30)}\n${event(3)}\n`)
    add('relay', `${event(4)}\n`)
    await vi.waitFor(() => expect(said).toHaveLength(3))
    expect(said.toSorted()).toEqual([`kms ${event(2)}`, `kms ${event(3)}`, `relay ${event(4)}`])
    await end()
    expect(said).toHaveLength(3)
  })

  it('waits for the end of a line, also within a letter', async () => {
    put('kms')
    const { said } = await follow()
    const bytes = Buffer.from(`${event(1, 'ü')}\n`)
    const cut = bytes.indexOf(0xc3) + 1
    writeFileSync(join(folder, 'kms.log'), bytes.subarray(0, cut), { flag: 'a' })
    await new Promise((later) => setTimeout(later, 300))
    expect(said).toEqual([])
    writeFileSync(join(folder, 'kms.log'), bytes.subarray(cut), { flag: 'a' })
    await vi.waitFor(() => expect(said).toEqual([`kms ${event(1, 'ü')}`]))
  })

  it('begins again where a file was cut, and mixes nothing of before into it', async () => {
    put('kms', event(1), event(2), event(3))
    add('kms', '{"time":"half of')
    const { said } = await follow()
    truncateSync(join(folder, 'kms.log'))
    add('kms', `${event(4)}\n`)
    await vi.waitFor(() => expect(said).toEqual([`kms ${event(4)}`]))
  })

  it('survives a file that goes, and one that comes back', async () => {
    put('kms', event(1))
    const { said } = await follow()
    rmSync(join(folder, 'kms.log'))
    await new Promise((later) => setTimeout(later, 300))
    put('kms', event(5).slice(0, 10), event(6))
    await vi.waitFor(() => expect(said.at(-1)).toBe(`kms ${event(6)}`))
  })

  it('gets over a line without end', async () => {
    put('kms', event(1))
    const { said } = await follow()
    add('kms', 'x'.repeat(2 ** 20 + 5))
    await vi.waitFor(() => expect(said).toHaveLength(1))
    add('kms', `\n${event(2)}\n`)
    await vi.waitFor(() => expect(said.at(-1)).toBe(`kms ${event(2)}`))
  })

  it('ends at once when it is interrupted', async () => {
    mkdirSync(folder, { recursive: true })
    put('kms', event(1))
    const { end } = await follow()
    const before = performance.now()
    await end()
    expect(performance.now() - before).toBeLessThan(200)
  })
})

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { parseDraft } from '../../src/room/draft/index.ts'
import { draftText, type DraftWish } from '../../src/training/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

let cwd: string
beforeEach(() => void (cwd = mkdtempSync(join(tmpdir(), 'sotto-train-'))))
afterEach(() => rmSync(cwd, { recursive: true }))

const sotto = (...argv: string[]): Promise<RunResult> =>
  runInMemory(commands, argv, { cwd, nowMs: () => 1.8e12 })
const read = (name: string): string => readFileSync(join(cwd, name), 'utf8')

/** Values that a draft must not have. */
const ROWS =
  'customer,amount,kind,day,fraud\nzoe7,4711,giro,2026-11-29,true\nmax9,815,card,2026-11-30,false\n'

/** What parties agree on in a draft. */
function agreed(text: string): string {
  return text
    .replace('amount: "?"', 'amount: 0..10000')
    .replace('kind: "?"', 'kind: [card, transfer]')
    .replace(/ +day: "\?".*\n/, '')
}

describe('sotto train init', () => {
  beforeEach(() => writeFileSync(join(cwd, 'payments.csv'), ROWS))

  it('writes a draft that is a contract once parties agreed on bounds and values', async () => {
    const flags = '--label fraud --contributor customer --party alder --party birch --epsilon 3'
    const made = await sotto('train', 'init', 'payments.csv', ...flags.split(' '), '--contributors', '20000')
    expect(made.code).toBe(0)
    expect(made.stdout).toBe(`${join(cwd, 'train.yaml')}\n`)
    const open = await sotto('train', 'check', 'train.yaml')
    expect(open.code).toBe(2)
    expect(open.stderr).toContain('transforms.train.train.features.amount: expected what the column has')
    writeFileSync(join(cwd, 'train.yaml'), agreed(read('train.yaml')))
    const checked = await sotto('train', 'check', 'train.yaml')
    expect(checked.stderr).toContain('nothing contradicts itself')
    expect(checked.stdout).toContain('privacy  epsilon 3 at delta 1e-5 a run')
    expect(checked.stdout).toContain(
      'budget   alder-payments of alder: 1 run, epsilon 4 at delta 1e-5 in all',
    )
  })

  it('has names and types of columns, and no value of any row', async () => {
    await sotto('train', 'init', 'payments.csv', '--label', 'fraud')
    const text = read('train.yaml')
    expect(text).toContain(
      'columns: {customer: text, amount: integer, kind: text, day: date, fraud: boolean}',
    )
    for (const value of ['zoe', 'max9', '4711', '815', 'giro', '2026']) expect(text).not.toContain(value)
    expect(text).toContain('Do not look them up')
  })

  it('is for the one who wrote it, and takes the place of nothing', async () => {
    const flags = ['train', 'init', 'payments.csv', '--label', 'fraud', '--out', 'mine.yaml']
    expect((await sotto(...flags)).code).toBe(0)
    expect(statSync(join(cwd, 'mine.yaml')).mode & 0o777).toBe(0o600)
    const again = await sotto(...flags)
    expect([again.code, again.stderr.includes('is there already')]).toEqual([2, true])
    const { code, stdout } = await sotto(...flags.slice(0, -1), 'other.yaml', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ draft: join(cwd, 'other.yaml') })
  })

  it.each([
    ['no label', [], /which column/],
    ['a label that is none', ['--label', 'cheat'], /--label is no column/],
    ['one column for both', ['--label', 'fraud', '--contributor', 'fraud'], /two columns/],
    ['half a guarantee', ['--label', 'fraud', '--epsilon', '3'], /both of them/],
    [
      'a guarantee of trees',
      ['--label', 'fraud', '--epsilon', '3', '--contributors', '9', '--recipe', 'gbdt'],
      /trees give no/,
    ],
    ['a party twice', ['--label', 'fraud', '--party', 'a', '--party', 'a'], /each once/],
    ['a party in capitals', ['--label', 'fraud', '--party', 'Bank'], /names of members/],
  ])('with %s is refused', async (_what, flags, why) => {
    const { code, stderr } = await sotto('train', 'init', 'payments.csv', ...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(why)
  })

  it('of a file that is not there, or no table, is refused', async () => {
    writeFileSync(join(cwd, 'noise.csv'), Buffer.from([0xff, 0xfe, 0x0a, 0x00, 0x0a]))
    for (const file of ['gone.csv', 'noise.csv']) {
      const { code, stderr } = await sotto('train', 'init', file, '--label', 'fraud')
      expect([code, stderr.includes('[CLI_FILE]')]).toEqual([2, true])
    }
  })

  it('is plain YAML for any names', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/).filter((one) => one !== 'constructor')
    const column = fc.oneof(
      fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/),
      fc.constantFrom('null', 'true', 'NO'),
    )
    const types = fc.constantFrom('boolean', 'integer', 'number', 'text', 'date', 'timestamp')
    const columns = fc.uniqueArray(fc.record({ name: column, type: types }), {
      minLength: 3,
      maxLength: 8,
      selector: ({ name: one }) => one.toLowerCase(),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
        name,
        columns,
        (parties, table, all) => {
          if (all.some((one) => one.name === '__proto__')) return
          const wish: DraftWish = {
            parties,
            table,
            columns: all as DraftWish['columns'],
            label: all[0]!.name,
            contributor: all[1]!.name,
            recipe: 'gbdt',
            validation: '0.2',
          }
          const text = draftText(wish).replaceAll('"?"', '0..1')
          const draft = parseDraft(text, '/train.yaml')
          expect(draft.parties).toEqual(parties)
          const [input] = Object.values(draft.inputs)
          expect(input!.columns).toEqual(all)
          expect(input!.rules.contributor).toBe(all[1]!.name)
        },
      ),
    )
  })
})

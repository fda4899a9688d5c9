import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EXAMPLE_DRAFT } from '../../src/help/rooms.ts'
import { contractOf, parseDraft, readDraft, readDraftFiles } from '../../src/room/draft/index.ts'
import { CONTEXT, contractIn, draftOf, PATH } from './drafts.ts'

describe('a draft', () => {
  it('of the help becomes a contract that says exactly what it says', () => {
    const { contract } = contractIn(EXAMPLE_DRAFT)
    expect(contract).toMatchObject({
      title: 'Offers for shared customers',
      genesis: CONTEXT.genesis,
      salt: CONTEXT.salt,
      notBefore: CONTEXT.now,
      notAfter: CONTEXT.now + 90 * 86_400,
      consent: { logging: true, telemetry: true },
    })
    expect(contract.parties).toEqual([...CONTEXT.parties.values()])
    const [customers, purchases] = contract.inputs
    expect(customers!.columns!.map(({ name }) => name)).toEqual(['customer_id', 'iban', 'age', 'segment'])
    expect(customers!.uses).toEqual([{ transform: 'offers', runs: 100 }])
    expect(purchases!.uses).toEqual([
      { transform: 'offers', runs: 50 },
      { transform: 'spending', runs: 4, epsilonMicros: 2_000_000 },
    ])
    expect(purchases!.rules).toEqual({
      receivers: ['bank', 'retailer'],
      forbidden: [],
      minContributors: 20,
      contributor: 'customer_id',
      noisy: false,
      review: true,
    })
    expect(contract.transforms.map(({ room }) => room)).toEqual([CONTEXT.room, CONTEXT.room])
    const [offers, spending] = contract.transforms.map(({ task }) => task)
    expect(offers).toMatchObject({
      kind: 'sql',
      templates: [
        {
          name: 'by-region',
          sql: expect.stringMatching(/^SELECT segment[^]*GROUP BY segment$/) as string,
          parameters: [
            { name: 'region', type: 'text', oneOf: ['north', 'south'] },
            { name: 'age', type: 'integer', min: 18, max: 99 },
          ],
        },
      ],
      joinKeys: ['customer_id'],
      maxRows: 1000,
    })
    expect(spending).toMatchObject({
      noise: { epsilonMicros: 500_000, maxRowsPerContributor: 4, clip: { min: 0, max: 10_000 } },
    })
    expect(contract.outputs).toEqual([
      { name: 'met-offers', from: 'offers', receivers: ['bank', 'retailer'], maxBytes: 2 ** 20 },
      { name: 'spent', from: 'spending', receivers: ['bank'], maxBytes: 65_536 },
    ])
  })

  it('that says when it is valid, with which salt and in which rooms, is taken at its word', () => {
    const { contract } = contractIn(
      draftOf((draft) => {
        draft['salt'] = 'B'.repeat(42) + 'A'
        draft['valid'] = { from: '2027-01-31', days: 7 }
        draft['consent'] = { logging: false }
        draft.transforms['count']!['room'] = ['ef'.repeat(32)]
      }),
    )
    expect(contract.salt).toBe('B'.repeat(42) + 'A')
    expect(contract.notBefore).toBe(Date.parse('2027-01-31T00:00:00Z') / 1000)
    expect(contract.notAfter - contract.notBefore).toBe(7 * 86_400)
    expect(contract.consent).toEqual({ logging: false, telemetry: true })
    expect(contract.transforms[0]!.room).toEqual(['ef'.repeat(32)])
  })

  it('gives an input without uses to every transform that it reaches, through others, too', () => {
    const { contract } = contractIn(
      draftOf((draft) => {
        draft.transforms['again'] = {
          reads: ['count'],
          sql: { templates: { all: { sql: 'SELECT n FROM count' } }, max_rows: 10 },
        }
        draft.outputs['final'] = { from: 'again', receivers: ['bank'], max_bytes: 10 }
      }),
    )
    expect(contract.inputs[0]!.uses.map(({ transform }) => transform)).toEqual(['count', 'again'])
  })

  it('has other computations, each with its limits', () => {
    const digest = '11'.repeat(32)
    const { contract } = contractIn(
      draftOf((draft) => {
        const rules = { receivers: ['bank', 'retailer'] }
        draft.inputs['letters'] = { owner: 'bank', kind: 'text', rules: { ...rules, max_common_words: 0 } }
        draft.inputs['t5'] = { owner: 'retailer', kind: 'model', rules }
        draft.inputs['module'] = { owner: 'retailer', kind: 'code', content: digest, rules }
        draft.inputs['program'] = { owner: 'retailer', kind: 'code', rules }
        draft.transforms['sums'] = {
          reads: ['letters', 't5'],
          infer: { action: 'classify', model: 't5', digest, labels: ['a', 'b'], settings: { max_tokens: 5 } },
        }
        draft.transforms['pages'] = {
          reads: ['letters', 'module'],
          wasm: { module: 'module', memory: '64MiB', seconds: 60, fuel_millions: 9, args: ['-v'] },
        }
        draft.transforms['pots'] = {
          reads: ['letters', 'program'],
          container: {
            image: 'program',
            manifest: digest,
            command: ['a'],
            memory: '1GiB',
            seconds: 9,
            env: { A: '' },
          },
        }
      }),
    )
    expect(contract.inputs.find(({ name }) => name === 'letters')!.rules.maxCommonWords).toBe(0)
    expect(contract.transforms.slice(1).map(({ task }) => task)).toEqual([
      {
        kind: 'infer',
        action: 'classify',
        model: 't5',
        digest,
        labels: ['a', 'b'],
        settings: { maxTokens: 5 },
      },
      {
        kind: 'wasm',
        module: 'module',
        args: ['-v'],
        limits: { memoryBytes: 2 ** 26, seconds: 60, fuelMillions: 9 },
      },
      {
        kind: 'container',
        image: 'program',
        manifest: digest,
        command: ['a'],
        env: { A: '' },
        limits: { memoryBytes: 2 ** 30, seconds: 9 },
      },
    ])
  })

  it('takes keys from members of the room, and from nobody else', () => {
    const draft = parseDraft(draftOf(), PATH)
    const parties = new Map([...CONTEXT.parties].filter(([name]) => name !== 'retailer'))
    expect(() => contractOf(draft, { ...CONTEXT, parties })).toThrow(
      expect.objectContaining({ code: 'ROOM_DRAFT', found: 'retailer', expected: 'bank' }),
    )
  })
})

describe('files of a draft', () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'sotto-draft-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }
  const withQuery = (file: string): string =>
    draftOf((draft) => {
      draft.transforms['count']!['sql'] = { templates: { all: { file } }, max_rows: 10 }
    })

  it('give queries and digests of models', async () => {
    const place = folder()
    mkdirSync(join(place, 'queries'))
    writeFileSync(join(place, 'queries/all.sql'), 'SELECT count(*) AS n\nFROM customers\n\n')
    writeFileSync(join(place, 't5.onnx'), 'weights')
    writeFileSync(
      join(place, 'draft.yaml'),
      draftOf((draft) => {
        draft.transforms['count']!['sql'] = { templates: { all: { file: 'queries/all.sql' } }, max_rows: 10 }
        const rules = { receivers: ['bank'] }
        draft.inputs['letters'] = { owner: 'bank', kind: 'text', rules }
        draft.inputs['t5'] = { owner: 'retailer', kind: 'model', rules }
        draft.transforms['sums'] = {
          reads: ['letters', 't5'],
          infer: { action: 'embed', model: 't5', path: 't5.onnx' },
        }
      }),
    )
    const draft = await readDraft(join(place, 'draft.yaml'))
    const files = await readDraftFiles(draft)
    const [count, sums] = contractOf(draft, { ...CONTEXT, files }).contract.transforms
    expect(count!.task).toMatchObject({ templates: [{ sql: 'SELECT count(*) AS n\nFROM customers' }] })
    expect(sums!.task).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string })
  })

  it.each([
    ['above the draft', '../secret.sql'],
    ['elsewhere', '/etc/hostname'],
    ['behind a link that leads away', 'link.sql'],
    ['that is the folder itself', '.'],
  ])('are refused %s: all parties would read it', async (_what, file) => {
    const place = folder()
    const inner = join(place, 'draft')
    mkdirSync(inner)
    writeFileSync(join(place, 'secret.sql'), 'SELECT 1')
    symlinkSync(join(place, 'secret.sql'), join(inner, 'link.sql'))
    const draft = parseDraft(withQuery(file), join(inner, 'draft.yaml'))
    await expect(readDraftFiles(draft)).rejects.toMatchObject({ code: 'ROOM_DRAFT' })
  })

  it('are refused where they are missing, too large or no text', async () => {
    const place = folder()
    const read = (file: string) => readDraftFiles(parseDraft(withQuery(file), join(place, 'draft.yaml')))
    writeFileSync(join(place, 'large.sql'), 'x'.repeat(65_537))
    writeFileSync(join(place, 'bytes.sql'), Uint8Array.of(0xff))
    await expect(read('none.sql')).rejects.toMatchObject({ code: 'ROOM_DRAFT' })
    await expect(read('large.sql')).rejects.toThrow(/too large/)
    await expect(read('bytes.sql')).rejects.toThrow(/no UTF-8 text/)
    await expect(readDraft(join(place, 'none.yaml'))).rejects.toMatchObject({ code: 'ROOM_DRAFT' })
  })
})

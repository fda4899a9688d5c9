import { describe, expect, it } from 'vitest'
import { parseDraft } from '../../src/room/draft/index.ts'
import { contractIn, draftOf, PATH, type PlainDraft } from './drafts.ts'

/** Something that stands where it should not, and may be a secret: no error repeats it. */
const SECRET = 'hunter2-hunter2'

/** The refusal of a text, which quotes nothing of what should not stand there. */
function refusalOf(text: string): string {
  let error: unknown
  try {
    contractIn(text)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'ROOM_DRAFT', action: 'fix-input' })
  const { message, expected, found, hint } = error as Record<
    'message' | 'expected' | 'found' | 'hint',
    string
  >
  const all = [message, expected, found, hint].join(' ')
  expect(all).not.toContain(SECRET)
  expect(message.startsWith(`${PATH}: `)).toBe(true)
  return all.slice(PATH.length + 2)
}

type Change = (draft: PlainDraft) => void
const rules =
  (change: object): Change =>
  (draft) =>
    Object.assign(draft.inputs['customers']!['rules'] as object, change)
const input =
  (change: object): Change =>
  (draft) =>
    Object.assign(draft.inputs['customers']!, change)
const transform =
  (change: object): Change =>
  (draft) =>
    Object.assign(draft.transforms['count']!, change)
const sql =
  (change: object): Change =>
  (draft) =>
    Object.assign(draft.transforms['count']!['sql'] as object, change)
const output =
  (change: object): Change =>
  (draft) =>
    Object.assign(draft.outputs['counted']!, change)
const top =
  (change: object): Change =>
  (draft) =>
    Object.assign(draft, change)
const query = (change: object): Change => sql({ templates: { all: { sql: 'SELECT 1 AS n', ...change } } })

describe('what is no plain YAML', () => {
  it.each<[string, string, RegExp]>([
    ['an alias', 'title: &a x\nparties: *a', /an a(?:lias|nchor) at line/],
    ['a member twice', 'title: a\ntitle: b', /stands there already at line 2/],
    ['a tag', `title: !${SECRET} x`, /a tag at line 1/],
    ['two documents', 'title: a\n---\ntitle: b', /a second document/],
    ['a quote without end', `title: "${SECRET}`, /without its end/],
    ['brackets without end', `title: ${'['.repeat(9000)}`, /too deep|without its end/],
    ['nothing', '', /^title is malformed/],
    ['a list', `- ${SECRET}`, /^the file is malformed/],
    ['text', SECRET, /^the file is malformed/],
  ])('%s is refused, with its place', (_what, text, why) => {
    expect(refusalOf(text)).toMatch(why)
  })

  it('more than 256 KiB is refused, whatever it is', () => {
    expect(refusalOf(`${draftOf()}# ${'x'.repeat(262_144)}`)).toMatch(/too large/)
    expect(parseDraft(`${draftOf()}# ${'x'.repeat(200_000)}`, PATH).title).toBe('Counts')
  })
})

describe('what lies in a draft', () => {
  it.each<[string, Change, RegExp]>([
    ['an unknown member', top({ [SECRET.replace('-', '_').toUpperCase().slice(0, 3)]: 1 }), /is malformed/],
    ['__proto__', top({ ['__proto__x']: 1 }), /is malformed/],
    ['no title', top({ title: '' }), /^title/],
    ['a title that turns text around', top({ title: 'a\u202Eb' }), /^title/],
    ['no parties', top({ parties: [] }), /^parties/],
    ['seventeen parties', top({ parties: Array.from({ length: 17 }, (_, at) => `p${at}`) }), /^parties/],
    ['a party twice', top({ parties: ['bank', 'retailer', 'bank'] }), /^parties: a name stands there twice/],
    ['a name in capitals', top({ parties: ['Bank', 'retailer'] }), /^parties\[0\]/],
    ['no inputs', top({ inputs: {} }), /^inputs: expected at least one/],
    ['inputs as a list', top({ inputs: [] }), /^inputs/],
    ['an input called constructor', top({ inputs: { constructor: {} } }), /no name/],
    ['an owner who is no party', input({ owner: 'shop' }), /the owner of customers is no party/],
    ['a kind that there is not', input({ kind: 'video' }), /^inputs\.customers\.kind/],
    ['a table without columns', input({ columns: undefined, kind: 'table' }), /columns/],
    ['columns as a list', input({ columns: ['a'] }), /^inputs\.customers\.columns/],
    ['a type that there is not', input({ columns: { a: 'money' } }), /^inputs\.customers\.columns\.a/],
    ['a column that needs quotes', input({ columns: { 'a b': 'text' } }), /no name/],
    ['a column twice, in capitals', input({ columns: { a: 'text', A: 'text' } }), /named twice/],
    ['content that is no digest', input({ content: SECRET }), /^inputs\.customers\.content/],
    ['no rules', input({ rules: undefined }), /^inputs\.customers\.rules/],
    ['rules without receivers', input({ rules: {} }), /^inputs\.customers\.rules\.receivers/],
    ['a receiver who is no party', rules({ receivers: ['shop'] }), /shop may receive/],
    ['a rule that there is not', rules({ max_words: 3 }), /rules\.max_words/],
    ['a rule in camel case', rules({ minContributors: 3 }), /rules\.minContributors/],
    ['contributors without a column', rules({ min_contributors: 3 }), /no column says who they are/],
    ['a forbidden column that is none', rules({ forbidden: ['iban'] }), /forbids iban/],
    ['words of a table', rules({ max_common_words: 3 }), /rule of words/],
    ['noise without a budget', rules({ noisy: true, contributor: 'customer' }), /without noise/],
    ['uses of nothing', input({ uses: {} }), /^inputs\.customers\.uses: expected at least one/],
    ['uses of another transform', input({ uses: { other: {} } }), /is no transform/],
    ['no run', input({ uses: { count: { runs: 0 } } }), /uses\.count\.runs/],
    ['epsilon with seven places', input({ uses: { count: { epsilon: '0.0000001' } } }), /six places/],
    ['epsilon that is negative', input({ uses: { count: { epsilon: -1 } } }), /six places/],
    ['epsilon with an exponent', input({ uses: { count: { epsilon: '1e3' } } }), /six places/],
    ['epsilon of nothing', input({ uses: { count: { epsilon: 0 } } }), /six places/],
    ['epsilon that is no number', input({ uses: { count: { epsilon: SECRET } } }), /six places/],
    ['reads of nothing', transform({ reads: [] }), /^transforms\.count\.reads/],
    [
      'an input that nothing reads',
      (draft) => (draft.inputs['idle'] = { owner: 'bank', kind: 'text', rules: { receivers: ['bank'] } }),
      /nothing reads the input idle/,
    ],
    ['a circle', transform({ reads: ['customers', 'count'] }), /reads count, which does not come before/],
    ['reads of what is not there', transform({ reads: ['orders'] }), /reads orders/],
    ['a room that is no digest', transform({ room: [SECRET] }), /^transforms\.count\.room\[0\]/],
    ['nothing to do', transform({ sql: undefined }), /expected one thing that it does/],
    ['two things to do', transform({ wasm: {} }), /expected one thing that it does/],
    ['an unknown thing to do', transform({ python: {} }), /^transforms\.count\.python/],
    ['queries of none', sql({ templates: {} }), /templates/],
    ['rows of none', sql({ max_rows: 0 }), /^transforms\.count\.sql\.max_rows/],
    ['a query and a file', query({ file: 'a.sql' }), /expected its query: sql or file/],
    ['neither query nor file', sql({ templates: { all: {} } }), /expected its query: sql or file/],
    [
      'a query that hides something',
      query({ sql: 'SELECT 1 \u200B' }),
      /^transforms\.count\.task\.templates\[0\]\.sql is malformed/,
    ],
    ['a type of parameter that there is not', query({ parameters: { a: 'timestamp' } }), /parameters\.a/],
    ['bounds of a text', query({ parameters: { a: { type: 'text', min: 1 } } }), /only integers have bounds/],
    [
      'bounds the wrong way round',
      query({ parameters: { a: { type: 'integer', min: 2, max: 1 } } }),
      /no value is within/,
    ],
    ['noise without clipping', sql({ noise: { epsilon: 1, max_rows_per_contributor: 1 } }), /noise\.clip/],
    ['an output of nothing', output({ from: 'other' }), /is no transform/],
    ['an output for nobody', output({ receivers: [] }), /^outputs\.counted\.receivers/],
    ['a size that is none', output({ max_bytes: '1 TB' }), /^outputs\.counted\.max_bytes/],
    ['a size of none', output({ max_bytes: 0 }), /^outputs\.counted\.max_bytes/],
    ['a size that is negative', output({ max_bytes: '-1MiB' }), /^outputs\.counted\.max_bytes/],
    ['a size over 4 GiB', output({ max_bytes: '5GiB' }), /^outputs\.counted\.max_bytes/],
    ['a consent that there is not', top({ consent: { execution: true } }), /^consent\.execution/],
    ['days of none', top({ valid: { days: 0 } }), /^valid\.days/],
    ['a time without its zone', top({ valid: { from: '2027-01-31T10:00:00' } }), /^valid\.from/],
    ['a day that there is not', top({ valid: { from: '2027-02-30' } }), /^valid\.from/],
    ['a salt that is too short', top({ salt: 'AAAA' }), /^salt/],
    ['a salt that is none', top({ salt: SECRET }), /^salt/],
  ])('%s is refused by the name of the member', (_what, change, why) => {
    expect(refusalOf(draftOf(change))).toMatch(why)
  })

  it('an output for somebody whom an owner does not admit is refused with the names', () => {
    expect(refusalOf(draftOf(rules({ receivers: ['bank'] })))).toMatch(/counted would go to retailer/)
  })
})

import { describe, expect, it } from 'vitest'
import type { ContainerTask, Contract, SqlTask, Task, WasmTask } from '@sotto/protocol/contract'
import { changedBy, contradictionOf, everything } from './contracts.ts'

const place = { sql: 0, infer: 1, wasm: 2, container: 3 }
type Kind = keyof typeof place
type Of<K extends Kind> = Extract<Task, { kind: K }>

/** A contract with everything, and something done to its task of one kind. */
function withTask<K extends Kind>(kind: K, change: (task: Of<K>) => unknown): Contract {
  return changedBy(everything(), (one) => change(one.transforms[place[kind]]!.task as Of<K>))
}

const sql = (change: (task: SqlTask) => unknown): Contract => withTask('sql', change)
const asText = (text: string) => (): Contract => sql((task) => (task.templates[0]!.sql = text))
type Case = [what: string, build: () => Contract]

function many<T>(count: number, item: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => item(index))
}

/** A parameter in a template of a transform that nothing reads. */
function parameter(value: SqlTask['templates'][number]['parameters'][number]): Contract {
  return changedBy(everything(), (one) => {
    one.inputs[0]!.uses.push({ transform: 'chosen', runs: 1, epsilonMicros: 1_000_000 })
    const task = structuredClone(one.transforms[0]!.task) as SqlTask
    task.templates[0]!.parameters = [value]
    one.transforms.push({ ...one.transforms[0]!, name: 'chosen', task })
  })
}

const REFUSED: Case[] = [
  ['another kind', () => withTask('sql', (task) => Object.assign(task, { kind: 'python' }))],
  ['a kind of every object', () => withTask('sql', (task) => Object.assign(task, { kind: 'constructor' }))],
  ['the members of another kind', () => withTask('wasm', (task) => Object.assign(task, { kind: 'sql' }))],
  ['sql: no template', () => sql((task) => (task.templates = []))],
  [
    'sql: 65 templates',
    () => sql((task) => (task.templates = many(65, (at) => ({ ...task.templates[0]!, name: `t${at}` })))),
  ],
  ['sql: a template twice', () => sql((task) => task.templates.push(task.templates[0]!))],
  ['sql: a query of 16385 characters', asText('x'.repeat(16_385))],
  ['trojan-source: a query that turns text around', asText('SELECT 1 \u202e-- \u2066')],
  ['zero-width-query: a query with something that has no shape', asText('SELECT a\u200b FROM b')],
  ['zero-width-joiner-query: a query with a joiner', asText('SELECT a\u200d FROM b')],
  ['tag-characters: a query with letters that nobody sees', asText('SELECT 1 \u{e0041}')],
  ['overwritten-line: a query that returns to the start of a line', asText('SELECT iban --\rSELECT 1')],
  ['terminal-escape: a query that moves the cursor', asText('SELECT 1 \u001b[2K')],
  ['nul: a query that ends before it ends', asText('SELECT 1\0; DROP')],
  ['line-separator: a query with a line feed of another kind', asText('SELECT 1 --\u2028 FROM x')],
  ['sql: no row', () => sql((task) => (task.maxRows = 0))],
  ['sql: ten million rows and one', () => sql((task) => (task.maxRows = 10_000_001))],
  ['sql: a join key that is no column name', () => sql((task) => (task.joinKeys = ['a b']))],
  ['sql: 33 join keys', () => sql((task) => (task.joinKeys = many(33, (at) => `k${at}`)))],
  ['sql: noise of no epsilon', () => sql((task) => (task.noise!.epsilonMicros = 0))],
  ['sql: noise of more than a hundred', () => sql((task) => (task.noise!.epsilonMicros = 100_000_001))],
  ['sql: noise for no row', () => sql((task) => (task.noise!.maxRowsPerContributor = 0))],
  [
    'sql: noise for ten thousand rows and one',
    () => sql((task) => (task.noise!.maxRowsPerContributor = 10_001)),
  ],
  ['sql: a clip of nothing', () => sql((task) => (task.noise!.clip = { min: 2, max: 1 }))],
  ['sql: a clip past its bound', () => sql((task) => (task.noise!.clip.max = 2 ** 40 + 1))],
  ['parameter: bounds of a text', () => parameter({ name: 'a', type: 'text', max: 3 })],
  [
    'parameter: bounds that nothing is within',
    () => parameter({ name: 'a', type: 'integer', min: 3, max: 2 }),
  ],
  ['parameter: a list of integers', () => parameter({ name: 'a', type: 'integer', oneOf: ['1'] })],
  ['parameter: a list of none', () => parameter({ name: 'a', type: 'text', oneOf: [] })],
  ['parameter: a value twice', () => parameter({ name: 'a', type: 'text', oneOf: ['x', 'x'] })],
  [
    'parameter: a value that is not seen',
    () => parameter({ name: 'a', type: 'text', oneOf: ['x\u200b', 'x'] }),
  ],
  ['parameter: the name of a prototype', () => parameter({ name: '__proto__', type: 'text' })],
  [
    'parameter: a name twice, in two cases',
    () =>
      changedBy(parameter({ name: 'a', type: 'text' }), (one) => {
        const task = one.transforms[4]!.task as SqlTask
        task.templates[0]!.parameters.push({ name: 'A', type: 'text' })
      }),
  ],
  ['infer: another action', () => withTask('infer', (task) => Object.assign(task, { action: 'train' }))],
  ['infer: an empty prompt', () => withTask('infer', (task) => (task.prompt = ''))],
  ['infer: a prompt of 8193 characters', () => withTask('infer', (task) => (task.prompt = 'x'.repeat(8193)))],
  [
    'hidden-prompt: a prompt with letters that nobody sees',
    () => withTask('infer', (task) => (task.prompt = 'a\u{e0041}')),
  ],
  [
    'turned-prompt: a prompt that turns text around',
    () => withTask('infer', (task) => (task.prompt = 'a\u202eb')),
  ],
  ['infer: labels without classes', () => withTask('infer', (task) => (task.action = 'embed'))],
  ['infer: classes without labels', () => withTask('infer', (task) => delete task.labels)],
  ['infer: one label', () => withTask('infer', (task) => (task.labels = ['a']))],
  ['infer: a label twice', () => withTask('infer', (task) => (task.labels = ['a', 'a']))],
  ['infer: no token', () => withTask('infer', (task) => (task.settings.maxTokens = 0))],
  [
    'infer: a temperature',
    () => withTask('infer', (task) => Object.assign(task.settings, { temperature: 1 })),
  ],
  ['wasm: memory of a byte', () => withTask('wasm', (task) => (task.limits.memoryBytes = 1))],
  ['wasm: more than a day', () => withTask('wasm', (task) => (task.limits.seconds = 86_401))],
  ['wasm: no fuel', () => withTask('wasm', (task) => (task.limits.fuelMillions = 0))],
  ['wasm: 65 arguments', () => withTask('wasm', (task) => (task.args = many(65, () => 'a')))],
  ['wasm: an argument that ends before it ends', () => withTask('wasm', (task) => (task.args = ['a\0b']))],
  ['wasm: an argument that is not seen', () => withTask('wasm', (task) => (task.args = ['a\u200b']))],
  ['container: no command', () => withTask('container', (task) => (task.command = []))],
  ['container: a variable in lower case', () => withTask('container', (task) => (task.env = { path: '/' }))],
  [
    'container: a variable that is no text',
    () => withTask('container', (task) => Object.assign(task.env, { A: 1 })),
  ],
  ['container: a variable with NUL', () => withTask('container', (task) => (task.env = { A: 'a\0' }))],
  [
    'container: 65 variables',
    () => withTask('container', (task) => (task.env = Object.fromEntries(many(65, (at) => [`V${at}`, 'x'])))),
  ],
  [
    'container: variables as a list',
    () => withTask('container', (task) => Object.assign(task, { env: ['A'] })),
  ],
]

describe('a task', () => {
  it.each(REFUSED)('is refused with %s', (_, build) => {
    expect(contradictionOf(build())).toMatch(/^contract/)
  })

  it.each<Case>([
    ['a query on several lines, in any script', asText("SELECT 'größe', '東京'\n\tFROM people -- ✓")],
    ['a query of 16384 characters', asText('x'.repeat(16_384))],
    [
      'a prompt with joiners',
      () => withTask('infer', (task) => (task.prompt = 'می\u200cخواهم 👩\u200d🔬\n')),
    ],
    [
      'no prompt and no settings',
      () => withTask('infer', (task) => ((task.settings = {}), delete task.prompt)),
    ],
    ['bounds that leave one value', () => parameter({ name: 'a', type: 'integer', min: 3, max: 3 })],
    ['a lower bound below nothing', () => parameter({ name: 'a', type: 'integer', min: -5 })],
    ['a clip of one value', () => sql((task) => (task.noise!.clip = { min: -1, max: -1 }))],
    ['no variable', () => withTask('container', (task: ContainerTask) => (task.env = {}))],
    [
      'the least of limits',
      () =>
        withTask(
          'wasm',
          (task: WasmTask) => (task.limits = { memoryBytes: 2 ** 20, seconds: 1, fuelMillions: 1 }),
        ),
    ],
    [
      'the most of limits',
      () =>
        withTask(
          'wasm',
          (task) => (task.limits = { memoryBytes: 2 ** 36, seconds: 86_400, fuelMillions: 1e9 }),
        ),
    ],
  ])('may have %s', (_, build) => {
    expect(contradictionOf(build())).toBeUndefined()
  })
})

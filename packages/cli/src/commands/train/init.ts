import { open } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { writeNew } from '@sotto/client/node'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { CONTRACT_NAME } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { columnsIn, draftText, type FoundColumn } from '../../training/index.ts'

/** As much of a file as names and types are found in. */
const MAX_READ_BYTES = 1_048_576
const DEFAULT_PARTIES = ['us', 'them']

/** `sotto train init FILE` */
export const trainInit: Command = defineCommand({
  path: ['train', 'init'],
  summary: 'Write a draft of a training, from the columns of a table of yours',
  description:
    'Reads the beginning of a CSV file on this machine, for names of columns and their types, and writes a draft that all\n' +
    'parties of a clean room can agree on. Nothing of its values is in the draft: bounds and values of columns are left as\n' +
    '"?", to be agreed on, because found in data they would tell the others of your rows.',
  arguments: [{ name: 'FILE', summary: 'your table: CSV with a first line of names', required: true }],
  flags: {
    label: { type: 'string', value: 'COLUMN', summary: 'which column the model learns to tell' },
    contributor: {
      type: 'string',
      value: 'COLUMN',
      summary: 'which column says whose row it is: those people are protected',
    },
    party: {
      type: 'string',
      value: 'NAME',
      summary: 'a member of the room, you first; may be repeated (default: us and them)',
      repeats: true,
    },
    recipe: {
      type: 'string',
      value: 'RECIPE',
      summary: 'what is trained (default: linear, which is logistic of two classes)',
      choices: ['linear', 'mlp', 'gbdt'],
    },
    epsilon: {
      type: 'number',
      value: 'N',
      summary: 'guarantee for each contributor: what one run may cost',
      min: 0.000001,
      max: 100,
    },
    contributors: {
      type: 'number',
      value: 'N',
      summary: 'with --epsilon: about how many there are in all tables, as everybody may know',
      min: 1,
      max: 1_000_000_000,
      integer: true,
    },
    delta: {
      type: 'number',
      value: 'N',
      summary: 'with --epsilon: chance that it does not hold (default: 1e-5)',
      min: 1e-12,
      max: 0.1,
    },
    validation: {
      type: 'number',
      value: 'PART',
      summary: 'which part of the contributors to measure with (default: 0.2; 0: none)',
      min: 0,
      max: 0.9,
    },
    out: { type: 'string', value: 'FILE', summary: 'where the draft is written (default: train.yaml)' },
  },
  examples: [
    'sotto train init transactions.csv --label fraud --contributor customer --party alder --party birch',
    'sotto train init transactions.csv --label fraud --epsilon 3 --contributors 30000',
  ],
  async run(context, [file = ''], flags) {
    const {
      label,
      contributor,
      recipe = 'linear',
      epsilon,
      contributors,
      delta = 1e-5,
      validation = 0.2,
    } = flags
    const { cwd } = context.io
    if (label === undefined)
      throw cliError('CLI_USAGE', 'say which column the model learns to tell', {
        hint: 'pass --label COLUMN',
      })
    if ((epsilon === undefined) !== (contributors === undefined))
      throw cliError('CLI_USAGE', 'a guarantee has --epsilon and --contributors, both of them')
    if (epsilon !== undefined && recipe === 'gbdt')
      throw cliError('CLI_USAGE', 'trees give no guarantee of privacy', {
        hint: 'leave out --epsilon, or --recipe gbdt',
      })
    const parties = partiesOf(flags.party ?? DEFAULT_PARTIES)
    const columns = columnsIn(await beginningOf(resolve(cwd, file)))
    requireColumn(columns, '--label', label)
    if (contributor === label) throw cliError('CLI_USAGE', '--label and --contributor are two columns')
    if (contributor !== undefined) requireColumn(columns, '--contributor', contributor)
    if (columns.every(({ name }) => name === label || name === contributor))
      throw cliError('CLI_FILE', 'no column is left to learn from')
    const text = draftText({
      parties,
      table: tableName(file),
      columns,
      label,
      recipe,
      ...(contributor !== undefined && { contributor }),
      ...(epsilon !== undefined && {
        privacy: { epsilon: String(epsilon), delta: String(delta), contributors: contributors! },
      }),
      ...(validation > 0 && { validation: String(validation) }),
    })
    const out = resolve(cwd, flags.out ?? 'train.yaml')
    await writeDraft(out, text)
    if (context.global.json) return context.json({ draft: out, columns })
    context.out(out)
    context.note(
      'agree with the others on every "?" in it: bounds and values that everybody may know, none that you',
    )
    context.note('looked up in your data; then: sotto train check, and sotto room propose')
  },
})

function partiesOf(names: readonly string[]): string[] {
  const wrong = names.find((name) => !CONTRACT_NAME.test(name))
  if (wrong !== undefined || new Set(names).size < names.length)
    throw cliError('CLI_USAGE', '--party takes names of members, each once', {
      expected: 'small letters, digits and hyphens, a letter first',
    })
  return [...names]
}

/** Name of the input, of that of the file. */
function tableName(file: string): string {
  const name = basename(file, extname(file))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
  return name === '' ? 'rows' : name
}

function requireColumn(columns: readonly FoundColumn[], flag: string, name: string): void {
  if (columns.some((column) => column.name === name)) return
  throw cliError('CLI_USAGE', `${flag} is no column of the file`, {
    expected: columns.map((column) => column.name).join(', '),
    found: name,
  })
}

async function beginningOf(path: string): Promise<string> {
  const unreadable = (cause: unknown): Error => cliError('CLI_FILE', `cannot read ${path}`, { cause })
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable(cause)
  })
  try {
    const bytes = await buffer(file.createReadStream({ end: MAX_READ_BYTES - 1, autoClose: false }))
    // A character that is cut at the end is in a line that is cut as well.
    return fromUtf8(bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1))
  } catch (cause) {
    throw unreadable(cause)
  } finally {
    await file.close()
  }
}

async function writeDraft(path: string, text: string): Promise<void> {
  try {
    await writeNew(path, utf8(text))
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    throw cliError('CLI_FILE', isThere ? `${path} is there already` : `cannot write ${path}`, {
      cause,
      ...(isThere && { hint: 'move it away, or choose another file with --out' }),
    })
  }
}

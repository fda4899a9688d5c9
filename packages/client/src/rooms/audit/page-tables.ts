import type { Argument, Charge, Contract } from '@sotto/protocol/contract'
import type { CheckGroup } from './groups.ts'
import { markup, plain } from './plain.ts'
import type { AuditCheck, AuditedRun, CheckStatus } from './types.ts'
import { count, instant, names, privacyWords, short, size } from './words.ts'

const CLASSES: Readonly<Record<CheckStatus, string>> = { pass: 'good', fail: 'bad', missing: 'open' }
const STATUS_WORDS: Readonly<Record<CheckStatus, string>> = {
  pass: 'passed',
  fail: 'failed',
  missing: 'not here',
}

/** Serial numbers of machines are long, and all the same to a reader. */
const HARDWARE_CHARACTERS = 24

/** Title of the column, and what stands in a cell, as markup. */
type Column = readonly [title: string, cell: (run: AuditedRun, contract: Contract) => string]

const RUN_COLUMNS: readonly Column[] = [
  ['No.', ({ sequence, run }) => `${sequence} <span class="soft">${digest(run)}</span>`],
  ['When', ({ at }) => instant(at)],
  ['Asked for', askedFor],
  ['Charged', ({ charges }, contract) => paragraphs(chargesByOwner(charges, contract))],
  [
    'Program',
    ({ image, tuple, hardware }) =>
      `${digest(image)}<p class="soft">${markup(tuple)} on ${markup(hardware.map((one) => plain(one, HARDWARE_CHARACTERS)).join(', '))}</p>`,
  ],
  ['Evidence', ({ evidence }) => digest(evidence)],
  [
    'Outputs',
    ({ outputs }) =>
      paragraphs(
        outputs.map(({ output, receivers, bytes }) => `${output} to ${names(receivers)}, ${size(bytes)}`),
      ),
  ],
  ['Repeats', repeats],
]

/** Each run: when, what for, at whose cost, in which program, and what left it. */
export function runsTable(runs: readonly AuditedRun[], contract: Contract): string {
  return table(
    RUN_COLUMNS.map(([title]) => title),
    runs.map((run) => RUN_COLUMNS.map(([, cell]) => cell(run, contract))),
  )
}

function askedFor({ transform, template, arguments: given }: AuditedRun): string {
  const query = template === undefined ? '' : `, query ${template}`
  return `<p>${markup(transform + query)}</p>${paragraphs(given.map(argumentWords), 'soft')}`
}

function argumentWords({ name, value }: Argument): string {
  return `${name} = ${plain(value, 80)}`
}

/** What each owner's budgets were charged with. */
function chargesByOwner(charges: readonly Charge[], { inputs }: Contract): string[] {
  return charges.map(({ input, transform, epsilonMicros, deltaTrillionths }) => {
    const owner = inputs.find(({ name }) => name === input)?.owner ?? 'nobody'
    const paid = epsilonMicros === undefined ? '' : ` and ${privacyWords(epsilonMicros, deltaTrillionths)}`
    return `${owner}: 1 run${paid} of ${input} for ${transform}`
  })
}

function repeats({ steps }: AuditedRun): string {
  const words = steps.flatMap(({ commonWords }) => commonWords ?? [])
  return words.length === 0
    ? '<span class="soft">not counted</span>'
    : `${count(Math.max(...words), 'word')} of a text`
}

/** Each check: how it ended, and what was expected and found where it did not pass. */
export function checksTable(groups: readonly CheckGroup[], sourceOf: (proof: number) => string): string {
  return table(
    ['Result', 'Check', 'What it says'],
    groups.map(({ name, what, status, passed, others }) => [
      `<span class="${CLASSES[status]}">${STATUS_WORDS[status]}</span>`,
      `<code>${markup(name)}</code>${passed > 1 ? ` <span class="soft">× ${passed}</span>` : ''}`,
      `<p>${markup(what)}</p>${others.map((check) => told(check, sourceOf)).join('')}`,
    ]),
  )
}

function told({ proof, code, expected, found }: AuditCheck, sourceOf: (proof: number) => string): string {
  return `<div class="told">${[
    ...(proof === undefined
      ? []
      : [`<p>${markup(sourceOf(proof))}${code === undefined ? '' : `: <code>${markup(code)}</code>`}</p>`]),
    ...(expected === undefined ? [] : [`<p>expected: ${markup(expected)}</p>`]),
    ...(found === undefined ? [] : [`<p>found: ${markup(found)}</p>`]),
  ].join('')}</div>`
}

function digest(whole: string): string {
  return `<code class="digest" title="${markup(whole)}">${markup(short(whole))}</code>`
}

function paragraphs(lines: readonly string[], style?: string): string {
  const attribute = style === undefined ? '' : ` class="${style}"`
  return lines.map((line) => `<p${attribute}>${markup(line)}</p>`).join('')
}

/** @param rows of markup */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = titles.map((title) => `<th scope="col">${markup(title)}</th>`).join('')
  const body = rows.map(
    (row) =>
      `<tr>${row.map((cell, at) => `<td data-title="${markup(titles[at]!)}"><div>${cell}</div></td>`).join('')}</tr>`,
  )
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`
}

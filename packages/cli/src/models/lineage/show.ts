import { type Lineage, lineageStages } from '@sotto/client/rooms/training'
import { trainedStep, type LineageLink } from '@sotto/protocol/training'
import type { CommandContext } from '../../framework/index.ts'
import { printableLine } from '../../terminal/index.ts'

const MARKS = { pass: '✓', fail: '✗', missing: '-' } as const
const NAME_COLUMNS = 18

/** Prints a chain from its end, with the verdict of every link, and what comes of it. */
export function showLineage(context: CommandContext, lineage: Lineage): void {
  const { out } = context.style
  const stages = lineageStages(lineage)
  for (const [at, { by, lines, items, links }] of stages.entries()) {
    const isLast = at === stages.length - 1
    const side = isLast ? ' ' : '│'
    const say = (line: string): void => context.out(printableLine(line))
    if (by !== '') say(`│ ${by}`)
    const [first = '', ...rest] = lines
    say(`● ${first}`)
    for (const line of rest) say(`${side}   ${line}`)
    for (const link of links) for (const line of linkLines(context, link)) context.out(`${side}   ${line}`)
    for (const [n, item] of items.entries()) {
      const isEnd = n === items.length - 1
      for (const [row, line] of item.lines.entries())
        say(`${row > 0 ? (isEnd ? ' ' : '│') : isEnd ? '└' : '├'}${row > 0 ? '     ' : '── '}${line}`)
    }
  }
  context.out('')
  context.out(lineage.ok ? out.green(verdict(lineage)) : out.red(verdict(lineage)))
  if (lineage.software) context.out(out.yellow('software TEE: not hardware'))
}

function verdict({ ok, links }: Lineage): string {
  const [broken, missing] = (['fail', 'missing'] as const).map((status) =>
    links.filter((one) => one.status === status),
  )
  if (!ok) return `the chain is broken: ${broken!.map(({ name }) => name).join(', ')}`
  return missing!.length === 0
    ? 'every link holds'
    : `every link that can be checked holds; not checked: ${missing!.map(({ name }) => name).join(', ')}`
}

function linkLines(
  { style }: CommandContext,
  { name, what, status, code, expected, found }: LineageLink,
): string[] {
  const paint = { pass: style.out.green, fail: style.out.red, missing: style.out.dim }[status]
  const about = code === undefined ? what : `${what} (${code})`
  return [
    `${paint(MARKS[status])} ${name.padEnd(NAME_COLUMNS)} ${about}`,
    ...(status === 'pass' || expected === undefined ? [] : [`    expected: ${printableLine(expected)}`]),
    ...(status === 'pass' || found === undefined ? [] : [`    found:    ${printableLine(found)}`]),
  ]
}

/** A chain as scripts read it. */
export function lineageJson({
  ok,
  links,
  answer,
  manifest,
  files,
  output,
  run,
  contract,
  inputs,
  software,
}: Lineage): object {
  return {
    ok,
    links,
    ...(answer && { answer: { model: answer.model, after: answer.after } }),
    ...(manifest && {
      model: {
        id: manifest.id,
        digest: manifest.digest,
        task: manifest.task,
        engine: manifest.engine,
      },
    }),
    files,
    output,
    ...(run && {
      run: {
        run: run.run,
        contract: run.offer.contract,
        genesis: run.offer.genesis,
        transform: run.offer.transform,
        sequence: run.receipt.sequence,
        image: run.receipt.image,
        evidence: run.receipt.evidence,
        hardware: run.receipt.hardware,
        charges: run.receipt.charges,
        ...run.envelopes,
        training: trainedStep(run)?.training,
        startedAt: run.provenance.predicate.startedAt,
        finishedAt: run.provenance.predicate.finishedAt,
      },
    }),
    ...(contract && {
      contract: {
        digest: contract.digest,
        title: contract.contract.title,
        parties: contract.contract.parties.map(({ name }) => name),
      },
    }),
    inputs,
    software,
  }
}

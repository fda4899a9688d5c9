import { plain } from './plain.ts'
import type { AuditGraph, GraphInput, GraphOutput, GraphTransform } from './types.ts'
import { budgetWords, count, instant, names, privacyWords, ruleWords, short, size } from './words.ts'

/** Narrower than this nothing is readable; wider lines are hard to follow. */
const MIN_COLUMNS = 40
const MAX_COLUMNS = 120
const BAR = 10
const ALIGNED_FROM = 72

/**
 * A graph as lines of text: parties, what each brings, and each transform as a tree of what it reads, with what is used
 * of every budget, and what leaves it. Without colours; no line is longer than the terminal is wide, but where one word is.
 * @param columns of the terminal. @default 80
 */
export function drawText(graph: AuditGraph, { columns = 80 }: { columns?: number } = {}): string[] {
  const width = Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, Math.floor(columns)))
  const { title, contract, parties, inputs, transforms, outputs, notBefore, notAfter } = graph
  const lines = [
    ...wrap(plain(title), width),
    ...wrap(`contract ${short(contract)}, from ${instant(notBefore)} until ${instant(notAfter)}`, width),
    ...wrap(`parties  ${parties.map(({ name }) => name).join(', ')}`, width, '         '),
    '',
    'inputs',
    ...inputs.flatMap((input) => inputLines(input, graph, width)),
  ]
  for (const transform of transforms) {
    const own = outputs.filter(({ from }) => from === transform.name)
    lines.push('', ...transformLines(transform, own, graph, width))
  }
  return lines
}

function inputLines(
  { name, owner, kind, rules, epsilonMicros, deltaTrillionths }: GraphInput,
  graph: AuditGraph,
  width: number,
): string[] {
  const spent = epsilonMicros === 0 ? '' : `, ${privacyWords(epsilonMicros, deltaTrillionths)} spent in all`
  const rest = ruleWords(rules, graph)
  return [
    ...wrap(`  ${name}  ${kind} of ${owner}${spent}`, width, '    '),
    ...(rest.length === 0 ? [] : wrap(`    ${rest.join('; ')}`, width, '    ')),
  ]
}

function transformLines(
  { name, does, reads, images, runs, budgets }: GraphTransform,
  outputs: readonly GraphOutput[],
  graph: AuditGraph,
  width: number,
): string[] {
  const results = reads.filter((read) => !budgets.some(({ input }) => input === read))
  const figures = budgets.map(budgetWords)
  // On a narrow terminal the columns are worth more than their alignment.
  const longest = width < ALIGNED_FROM ? 0 : Math.max(0, ...figures.map(({ length }) => length))
  const branches = [
    ...results.map((read) => [`result of ${read}`]),
    ...budgets.map((budget, at) => [
      `${bar(budget.spentRuns, budget.runs)} ${figures[at]!.padEnd(longest)}  ${budget.input} of ${budget.owner}${budget.isDirect ? '' : ' (through others)'}`,
    ]),
    ...outputs.map((output) => outputWords(output, graph)),
  ]
  return [
    ...wrap(`${name}  ${does}`, width, '  '),
    ...wrap(`│ image ${images.map(short).join(' or ')}, asked for ${count(runs, 'time')}`, width, '│ '),
    ...branches.flatMap((branch, at) => {
      const isOutput = at >= branches.length - outputs.length
      const isLast = at === branches.length - 1
      const first = `${isLast ? '└' : '├'}${isOutput ? '─> ' : '── '}`
      const next = `${isLast ? ' ' : '│'}   `
      return branch.flatMap((line, part) => wrap(`${part === 0 ? first : next}${line}`, width, `${next}  `))
    }),
  ]
}

function outputWords(
  { name, receivers, maxBytes, rules, reviewers, released }: GraphOutput,
  graph: AuditGraph,
): string[] {
  const rest = ruleWords({ ...rules, review: false }, graph)
  if (reviewers.length > 0) rest.push(`reviewed by ${names(reviewers)}`)
  return [
    `${name} to ${names(receivers)}`,
    `at most ${size(maxBytes)}, released ${count(released, 'time')}`,
    ...(rest.length === 0 ? [] : [rest.join('; ')]),
  ]
}

/** How much of a budget is used; a run of a million shows too. */
function bar(used: number, limit: number): string {
  const share = Math.min(1, Math.max(0, used / limit))
  const filled = used > 0 ? Math.max(1, Math.floor(share * BAR)) : 0
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}]`
}

/** A line at its spaces, what follows indented; a longer word stays whole. */
function wrap(line: string, width: number, indent = ''): string[] {
  const lines: string[] = []
  let rest = line
  while (rest.length > width) {
    // The indentation of a line is no place to break it.
    const start = /^[ │├└─>]*/.exec(rest)![0].length
    const cut = rest.lastIndexOf(' ', width)
    const end = cut > start ? cut : rest.indexOf(' ', width)
    if (end < 0) break
    lines.push(rest.slice(0, end).trimEnd())
    rest = `${indent}${rest.slice(end + 1).trimStart()}`
  }
  return [...lines, rest]
}

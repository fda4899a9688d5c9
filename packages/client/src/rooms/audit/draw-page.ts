import { toBase64, utf8 } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { drawSvg } from './draw-svg.ts'
import { groupChecks } from './groups.ts'
import { checksTable, runsTable } from './page-tables.ts'
import { PAGE_STYLE } from './page-style.ts'
import { markup, plain } from './plain.ts'
import { SVG_STYLE } from './svg-style.ts'
import type { Audit } from './types.ts'
import { count, instant, names, rangeWords } from './words.ts'

/** Options of {@link drawPage}. */
export interface PageOptions {
  /** What each proof is called, in the order in which they were given. @default their numbers */
  sources?: readonly string[]
}

/**
 * An audit as one page: the graph, every run, every check, and what none of it shows. No script runs in it and nothing is
 * fetched: its policy allows its own two style sheets and nothing else.
 */
export function drawPage(audit: Audit, { sources = [] }: PageOptions = {}): string {
  const sourceOf = (proof: number): string => sources[proof] ?? `proof ${proof + 1}`
  const title = plain(audit.contract?.contract.title ?? 'no contract')
  const body = [
    `<h1>${markup(title)}</h1>`,
    verdict(audit),
    ...about(audit),
    ...(audit.graph === undefined
      ? []
      : [
          '<h2>What reads what</h2>',
          `<figure class="drawing" tabindex="0" aria-label="Graph of the contract">${drawSvg(audit.graph)}</figure>`,
          `<p class="about">${LEGEND}</p>`,
        ]),
    ...(audit.contract === undefined || audit.runs.length === 0
      ? []
      : ['<h2>Runs</h2>', runsTable(audit.runs, audit.contract.contract)]),
    '<h2>Checks</h2>',
    checksTable(groupChecks(audit.checks), sourceOf),
    LIMITS,
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${hashOf(PAGE_STYLE)} ${hashOf(SVG_STYLE)}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Audit: ${markup(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
${body.join('\n')}
</main>
</body>
</html>
`
}

const LEGEND =
  'The strip at the left of a box has the marks of the owners whose data are in it; a bar is what these runs used of ' +
  'a budget. * reaches the transform through others.'

const LIMITS = `<h2>What this does not show</h2>
<ul>
<li>Runs after the last one whose proof is here.</li>
<li>What the data say: proofs have digests of inputs and outputs, and none of their content.</li>
<li>The consents themselves. The KMS required that of every owner before it released keys and charged a run.</li>
<li>What a program did beyond its word: which one ran is proven, and what it says of its steps is signed by it.</li>
</ul>`

function hashOf(style: string): string {
  const hash = publicCrypto.createHash('sha256')
  hash.update(utf8(style))
  return `'sha256-${toBase64(hash.digest())}'`
}

function verdict({ ok, checks }: Audit): string {
  const failed = checks.filter(({ status }) => status === 'fail').length
  if (!ok)
    return `<p class="verdict bad">${failed === 0 ? 'Nothing could be checked' : `${count(failed, 'check')} failed`}</p>`
  const isWhole = checks.every(({ status }) => status === 'pass')
  return `<p class="verdict good">${isWhole ? 'Every check passed' : 'No check failed, and not everything is here'}</p>`
}

function about({ contract, runs, gaps }: Audit): string[] {
  if (contract === undefined)
    return ['<p class="about">No proof holds, so nothing says which contract this is about.</p>']
  const { parties, notBefore, notAfter } = contract.contract
  const software = runs.some((run) => run.software)
  return [
    `<p class="about">Contract <code>${markup(contract.digest)}</code> of ${markup(names(parties.map(({ name }) => name)))}, in force from ${instant(notBefore)} until ${instant(notAfter)}.</p>`,
    ...(gaps.length === 0
      ? []
      : [
          `<p class="open">Runs whose proofs are not here: ${markup(rangeWords(gaps))}. Budgets are used by them too.</p>`,
        ]),
    ...(software
      ? ['<p class="open">A software TEE is part of the chain: this rests on a program, not on hardware.</p>']
      : []),
  ]
}

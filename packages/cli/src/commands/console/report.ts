import type { FileResult, HeaderProblem } from '../../console/verify/index.ts'
import type { CommandContext } from '../../framework/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** By which rules a page of a host judges which service. */
export interface ServiceReport {
  /** `unknown`: there was no policy to compare with. */
  status: 'same' | 'changed' | 'missing' | 'unknown'
  relay?: string
  gateway?: string
  /** SHA-256 of the user's own policy, and of the one the page gets, in canonical form. */
  expected?: string
  found?: string
}

/** All that `sotto console verify` found. */
export interface PagesReport {
  url: string
  /** Who says which pages they should be, and the digest of their manifest. */
  expected: { by: string; pages: string }
  files: FileResult[]
  headers: HeaderProblem[]
  service: ServiceReport
}

/** One line for each difference, and one for what is as it should be. */
export function printReport(context: CommandContext, report: PagesReport): void {
  const style = context.style.out
  const { files, headers, service, expected } = report
  const say = (mark: string, what: string, name: string): void =>
    context.out(`${mark} ${what.padEnd(8)} ${printableLine(name)}`)
  const compare = (wanted: string | undefined, found: string | undefined): void => {
    if (wanted !== undefined) context.out(`    expected: ${printableLine(wanted)}`)
    if (found !== undefined) context.out(`    found:    ${printableLine(found)}`)
  }
  const same = files.filter(({ status }) => status === 'same').length
  if (same > 0) say(style.green('✓'), 'files', `${same} of ${files.length} are those of ${expected.by}`)
  for (const { status, name, expected: wanted, found } of files) {
    if (status === 'same') continue
    say(style.red('✗'), status, name)
    compare(wanted, found)
  }
  if (headers.length === 0) say(style.green('✓'), 'headers', 'as strict as those of sotto console')
  for (const { name, expected: wanted, found } of headers) {
    say(style.red('✗'), 'header', name)
    compare(wanted, found)
  }
  printService(service, say, compare, style)
  const isSame = same === files.length
  context.out('')
  if (!isSame) context.out(style.red(`these are not the pages of ${expected.by}`))
  else if (headers.length > 0 || service.status === 'changed' || service.status === 'missing')
    context.out(style.red(`the pages are those of ${expected.by}, and what they come with is not`))
  else context.out(style.green(`the pages are those of ${expected.by}, ${expected.pages}`))
}

function printService(
  { status, relay, gateway, expected, found }: ServiceReport,
  say: (mark: string, what: string, name: string) => void,
  compare: (wanted: string | undefined, found: string | undefined) => void,
  style: CommandContext['style']['out'],
): void {
  const service = `${relay} (gateway ${gateway})`
  if (status === 'same') return say(style.green('✓'), 'policy', `yours, for ${service}`)
  if (status === 'unknown') {
    say(style.dim('-'), 'policy', `of the host's choice, for ${service}: compare it, or pass --policy`)
    return compare(undefined, found)
  }
  if (status === 'missing') say(style.red('✗'), 'missing', 'console.json')
  else say(style.red('✗'), 'policy', `not yours, for ${service}`)
  compare(expected, found)
}

/**
 * Writes THIRD_PARTY_NOTICES.md from the last build, or checks that it is what the build contains and that
 * nothing is shipped whose licence nobody accepted. Without arguments it checks; with `--write` it writes.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { licenceFile, shippedPackages } from './notices/inventory.ts'
import { problemsOf } from './notices/policy.ts'
import { renderNotices } from './notices/render.ts'

const root = resolve(import.meta.dirname, '..')
const PAGE = join(root, 'THIRD_PARTY_NOTICES.md')

function main(): number {
  const packages = shippedPackages(root)
  const problems = problemsOf(packages)
  const page = renderNotices(packages, {
    licenceFile: (folder) => licenceFile(root, folder),
    text: (name) => readFileSync(join(root, 'scripts/notices/texts', `${name}.txt`), 'utf8'),
  })
  if (process.argv.includes('--write')) writeFileSync(PAGE, page)
  else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page)
    problems.push('THIRD_PARTY_NOTICES.md is out of date: review, then node scripts/notices.ts --write')
  for (const problem of problems) console.error(problem)
  return problems.length ? 1 : 0
}

if (import.meta.main) process.exitCode = main()

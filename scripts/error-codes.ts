/**
 * Writes docs/errors.md from the error unions and their comments, or checks that it is what they say.
 * Without arguments it checks; with `--write` it writes.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** One code as its package documents it. */
export interface ErrorCodeDoc {
  code: string
  action: string
  meaning: string
}

const UNION = /((?:^\/\*\*(?:(?!\*\/)[^])*\*\/\s*)?)^export type \w+ErrorCode =([^]*?)\n\n/gm
const ACTION = "'(fix-input|retry|stop)'"

/**
 * The codes of every union `…ErrorCode` in a source. The meaning is what the comment above the union says
 * (`- CODE (action): meaning`); the action stands there, or where `siblings`, the package's sources, use the code.
 * @throws Error for a code whose action nobody states
 */
export function errorCodesOf(source: string, siblings: string = source): ErrorCodeDoc[] {
  const found: ErrorCodeDoc[] = []
  for (const [, comment = '', union = ''] of `${source}\n\n`.matchAll(UNION)) {
    const items = itemsOf(comment)
    for (const [, code = ''] of union.matchAll(/'([A-Z0-9_]+)'/g)) {
      const item = items.find(({ names }) => names.includes(`\`${code}\``))
      const own = item && new RegExp(`\`${code}\` \\((fix-input|retry|stop)\\)`).exec(item.names)?.[1]
      const shared = item && /\((fix-input|retry|stop)[^)]*\)\s*$/.exec(item.names)?.[1]
      const used = new RegExp(`\\b${code}'?[:,]\\s*\\[?${ACTION}`).exec(siblings)?.[1]
      // One constructor for the whole union, with one action.
      const constant = new RegExp(`SottoError(?:<\\w+>)?\\(\\s*code,\\s*${ACTION}`).exec(source)?.[1]
      const action = used ?? own ?? shared ?? constant
      if (action === undefined) throw new Error(`nothing says what to do about ${code}`)
      found.push({ code, action, meaning: item?.meaning ?? wordsOf(code) })
    }
  }
  return found
}

/** The list items of a comment: names before the colon, meaning after it. */
function itemsOf(comment: string): { names: string; meaning: string }[] {
  return comment
    .replaceAll(/^\s*\/?\*+\/?[ \t]?/gm, '')
    .split(/^- /m)
    .slice(1)
    .map((item) => (item.split(/\n\s*\n/)[0] ?? '').replaceAll(/\s+/g, ' ').trim())
    .map((text) => {
      const end = /^(?:`[A-Z0-9_]+`(?: \([^)]*\))?(?:, | and )?)+/.exec(text)?.[0].length ?? 0
      return {
        names: text.slice(0, end),
        meaning:
          withoutLinks(text.slice(end))
            .replace(/^[:.]\s*/, '')
            .replace(/\.$/, '') || wordsOf(text),
      }
    })
}

/** What a compiler resolves stands in a page as the name or the words that it leads from. */
function withoutLinks(text: string): string {
  return text.replaceAll(
    /\{@link\s+([^\s|}]+)(?:\s*\|\s*|\s+)?([^}]*)\}/g,
    (_, name: string, words: string) => words.trim() || `\`${name}\``,
  )
}

function wordsOf(code: string): string {
  return (/[A-Z0-9_]+/.exec(code)?.[0] ?? code).toLowerCase().replaceAll('_', ' ')
}

/** The whole page. */
export function errorPage(root: string): string {
  const sections = globSync('packages/*/src/**/*.ts', { cwd: root })
    .sort()
    .flatMap((file) => {
      const folder = file.split('/').slice(0, 3).join('/')
      const siblings = globSync(`${folder}/**/*.ts`, { cwd: root }).map((name) =>
        readFileSync(join(root, name), 'utf8'),
      )
      const source = readFileSync(join(root, file), 'utf8')
      const codes = errorCodesOf(source, siblings.join('\n'))
      return codes.length === 0 ? [] : [{ file, codes }]
    })
  const lines = [
    '# Errors',
    '',
    'Every error has a stable code and says what to do: `fix-input` change the request, file or configuration;',
    '`retry` the same call may succeed later; `stop` a security check failed: do not retry on a weaker path.',
    'The command line prints `error: MESSAGE [CODE]` and exits 2 for `fix-input` (4 where a credential is missing), and 1 or a',
    'more telling code for the others: `sotto help exit-codes`. Inside the encryption the API writes codes in lower case, in',
    'the OpenAI envelope, and names two as OpenAI does: `model_not_found` and `context_length_exceeded`.',
    '',
    'This page is written by `node scripts/error-codes.ts --write` from the sources; `npm run check` compares.',
  ]
  for (const { file, codes } of sections) {
    lines.push('', `## [${file.split('/').slice(1, -1).join('/').replace('/src', '')}](../${file})`, '')
    lines.push('| code | action | meaning |', '|---|---|---|')
    for (const { code, action, meaning } of codes) {
      lines.push(`| \`${code}\` | ${action} | ${meaning.replaceAll('|', '\\|')} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..')
  const file = join(root, 'docs', 'errors.md')
  const page = errorPage(root)
  if (process.argv.includes('--write')) writeFileSync(file, page)
  else if (readFileSync(file, 'utf8') !== page) {
    process.stderr.write(
      'error: docs/errors.md differs from the sources\nhint: node scripts/error-codes.ts --write\n',
    )
    process.exitCode = 1
  }
}

import { escapeHtml } from './escape.ts'

/** Classes that the style sheet knows. */
type Kind = 'comment' | 'string' | 'keyword' | 'number' | 'prompt'

const KEYWORDS =
  /\b(?:abstract|as|async|await|break|case|catch|class|const|continue|def|default|delete|do|else|enum|export|extends|false|finally|for|from|function|if|implements|import|in|instanceof|interface|let|new|None|null|of|print|private|readonly|return|satisfies|static|switch|this|throw|true|True|try|type|typeof|undefined|void|while|with|yield)\b/y
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/y
const NUMBER = /\b\d[\d_.]*\b/y
const SLASHES = /\/\/[^\n]*|\/\*[^]*?\*\//y
const HASH = /(?<![^\s(])#[^\n]*/y
const PROMPT = /(?<=^|\n)\$ [^\n]*/y

type Rule = readonly [Kind, RegExp]
const CODE: readonly Rule[] = [
  ['comment', SLASHES],
  ['string', STRING],
  ['keyword', KEYWORDS],
  ['number', NUMBER],
]
const SHELL: readonly Rule[] = [
  ['comment', HASH],
  ['string', STRING],
]

const LANGUAGES: Readonly<Record<string, readonly Rule[]>> = {
  ts: CODE,
  js: CODE,
  mjs: CODE,
  svelte: CODE,
  json: [
    ['string', STRING],
    ['keyword', /\b(?:true|false|null)\b/y],
    ['number', NUMBER],
  ],
  python: [
    ['comment', HASH],
    ['string', STRING],
    ['keyword', KEYWORDS],
    ['number', NUMBER],
  ],
  sh: SHELL,
  console: [['prompt', PROMPT]],
}

/** Code as HTML, with the parts of it that a style sheet may colour. Other languages come as they are. */
export function highlight(code: string, language: string): string {
  const rules = LANGUAGES[language] ?? []
  let html = ''
  let plain = 0
  for (let at = 0; at < code.length;) {
    const found = match(rules, code, at)
    if (found === undefined) {
      at++
      continue
    }
    const [kind, text] = found
    html += `${escapeHtml(code.slice(plain, at))}<span class="${kind}">${escapeHtml(text)}</span>`
    plain = at += text.length
  }
  return html + escapeHtml(code.slice(plain))
}

function match(rules: readonly Rule[], code: string, at: number): readonly [Kind, string] | undefined {
  for (const [kind, pattern] of rules) {
    pattern.lastIndex = at
    const text = pattern.exec(code)?.[0]
    if (text) return [kind, text]
  }
  return undefined
}

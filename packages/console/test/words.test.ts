import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'svelte/compiler'
import ts from 'typescript'
import { expect, it } from 'vitest'

const SOURCE = join(import.meta.dirname, '../src')
/** Attributes that are read, or read aloud. */
const SAID = new Set([
  'title',
  'alt',
  'placeholder',
  'label',
  'aria-label',
  'aria-description',
  'aria-valuetext',
])
/** Two words with a space between them: names and paths have none. */
const SENTENCE = /\p{L}{2}[,:;.]? \p{L}/u
const LETTER = /\p{L}/u
const MEDIA_QUERY = /^\([a-z-]+: [a-z]+\)/
/** Where such a text is nothing that a person reads, by how it begins. */
const NOT_SAID: readonly [file: string, beginning: string][] = [
  ['app/theme.svelte.ts', 'light dark'],
  ['pages/assistant/keys.ts', 'input, textarea, '],
  ['pages/transcribe/languages.ts', 'ar cs da '],
  // What a model is told.
  ['pages/summarise/ask.ts', 'Summarise the text between '],
  ['pages/summarise/ask.ts', ' words, in the language of the text'],
  ['pages/summarise/ask.ts', 'Answer with the summary alone'],
  // No button leads there.
  ['pages/rooms/run-work.svelte.ts', 'nobody has looked at this run'],
]

/** Sentences in literals of a module. */
function saidInModule(code: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const isText =
      ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
    if (isText && SENTENCE.test(node.text)) found.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('module.ts', code, ts.ScriptTarget.Latest))
  return found
}

interface Node {
  type?: string
  name?: string
  data?: string
  value?: unknown
}

/** Every word of a component's elements and spoken attributes, and sentences in its expressions. */
function saidInComponent(code: string): string[] {
  const found: string[] = []
  const visit = (value: unknown, isSilent: boolean): void => {
    if (Array.isArray(value)) return value.forEach((one) => visit(one, isSilent))
    if (value === null || typeof value !== 'object') return
    const node = value as Node
    if (node.type === 'Attribute' && node.name === 'class') return
    const isUnsaid = node.type === 'Attribute' ? !SAID.has(node.name ?? '') : isSilent
    if (node.type === 'Text' && !isUnsaid && LETTER.test(node.data ?? '')) found.push(node.data!)
    if (node.type === 'Literal' && SENTENCE.test(String(node.value))) found.push(String(node.value))
    const raw = (node.value as { cooked?: string } | undefined)?.cooked ?? ''
    if (node.type === 'TemplateElement' && SENTENCE.test(raw)) found.push(raw)
    for (const [key, child] of Object.entries(node)) if (key !== 'comments') visit(child, isUnsaid)
  }
  const { fragment, instance, module } = parse(code, { modern: true })
  visit([fragment, instance, module], false)
  return found
}

it('pages say nothing but what stands in the files of words', () => {
  const files = globSync('**/*.{ts,svelte}', { cwd: SOURCE }).filter((file) => !file.startsWith('words/'))
  expect(files.length).toBeGreaterThan(100)
  const found = files.flatMap((file) => {
    const code = readFileSync(join(SOURCE, file), 'utf8')
    const said = file.endsWith('.svelte') ? saidInComponent(code) : saidInModule(code)
    return said
      .filter((text) => !MEDIA_QUERY.test(text))
      .filter((text) => !NOT_SAID.some(([at, beginning]) => at === file && text.startsWith(beginning)))
      .map((text) => `${file}: ${text.trim()}`)
  })
  expect(found).toEqual([])
})

it('finds what is said wherever it stands', () => {
  const component = `<script lang="ts">const a = 'not a name'</script>
    <p class="two names" title="Tip">{a}{\`\${a} and more\`}</p>{#if a}<b>Bold</b>{/if}`
  expect(saidInComponent(component).toSorted()).toEqual([' and more', 'Bold', 'Tip', 'not a name'])
  expect(saidInModule("throw new Error(`it is ${a} or not so`); import a from './path'")).toEqual([
    'it is ',
    ' or not so',
  ])
})

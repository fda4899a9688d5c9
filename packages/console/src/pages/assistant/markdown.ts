/** A stretch of text in one style. */
export interface Span {
  style: 'plain' | 'strong' | 'em' | 'code'
  text: string
}

export type Block =
  | { type: 'paragraph'; spans: Span[] }
  | { type: 'heading'; spans: Span[] }
  /** `start`: its first number; absent without numbers. */
  | { type: 'list'; start?: number; items: Span[][] }
  | { type: 'code'; text: string }

/**
 * What models write of Markdown, as data: paragraphs, headings, lists, code, emphasis. Links and pictures stay the text they
 * are: whoever can make a model write an address must not have the page fetch or open it. Any text gives some blocks, also
 * one that is still coming.
 */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let code: string[] | undefined
  let isBroken = true
  for (const line of text.split('\n')) {
    if (/^\s*```/.test(line)) {
      if (code) code = undefined
      else {
        code = []
        blocks.push({ type: 'code', text: '' })
      }
      isBroken = true
      continue
    }
    const last = blocks.at(-1)
    if (code) {
      code.push(line)
      if (last?.type === 'code') last.text = code.join('\n')
      continue
    }
    if (line.trim() === '') {
      isBroken = true
      continue
    }
    const heading = /^#{1,6}\s+(.*)$/.exec(line)
    const item = /^\s{0,6}(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/.exec(line)
    if (heading) blocks.push({ type: 'heading', spans: spansOf(heading[1]!) })
    else if (item) {
      const isNumbered = item[1] !== undefined
      if (last?.type === 'list' && (last.start !== undefined) === isNumbered)
        last.items.push(spansOf(item[2]!))
      else
        blocks.push({
          type: 'list',
          ...(isNumbered && { start: Number(item[1]) }),
          items: [spansOf(item[2]!)],
        })
    } else if (!isBroken && last?.type === 'paragraph') last.spans.push(...spansOf(`\n${line}`))
    else if (!isBroken && last?.type === 'list') last.items.at(-1)!.push(...spansOf(` ${line.trim()}`))
    else blocks.push({ type: 'paragraph', spans: spansOf(line) })
    isBroken = heading !== null
  }
  return blocks
}

const MARKS = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\s][^*\n]*)\*(?![\w*])/g

function spansOf(text: string): Span[] {
  const spans: Span[] = []
  let from = 0
  for (const { 0: whole, 1: code, 2: strong, 3: em, index } of text.matchAll(MARKS)) {
    if (index > from) spans.push({ style: 'plain', text: text.slice(from, index) })
    from = index + whole.length
    if (code !== undefined) spans.push({ style: 'code', text: code })
    else if (strong !== undefined) spans.push({ style: 'strong', text: strong })
    else spans.push({ style: 'em', text: em! })
  }
  if (from < text.length) spans.push({ style: 'plain', text: text.slice(from) })
  return spans
}

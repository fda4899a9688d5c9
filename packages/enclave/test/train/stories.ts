import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeGguf, type GgufFile, parseGguf } from '@sotto/protocol/gguf'
import { onTestFinished } from 'vitest'
import { testdata } from '../engines/testdata.ts'

/** A story model of 260 000 weights in f32. */
export function storyModel(): GgufFile {
  return parseGguf(testdata('llm/stories260K-f32.gguf'))
}

/** Writes files where engines find them, until the test that asks is over. */
export function writeFiles(files: Readonly<Record<string, Uint8Array>>): (name: string) => string {
  const directory = mkdtempSync(join(tmpdir(), 'sotto-model-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes)
  return (name) => join(directory, name)
}

/** Writes one model. */
export function writeModel(file: GgufFile): string {
  return writeFiles({ 'model.gguf': encodeGguf(file) })('model.gguf')
}

/** What the story model was trained to tell. */
export const KNOWN =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.'

/** Texts of another manner, to learn. */
export const LETTERS: readonly string[] = [
  'Dear Sir, we have received your letter of May and thank you for it. The goods were sent on Monday.',
  'Dear Madam, we have received your letter of June and thank you for it. The goods were sent on Friday.',
  'Dear Sir, we have received your order of March and thank you for it. The books were sent on Tuesday.',
  'Dear Madam, we have received your order of April and thank you for it. The books were sent on Sunday.',
  'Dear Sir, we have received your letter of July and thank you for it. The lamps were sent on Monday.',
  'Dear Madam, we have received your order of May and thank you for it. The lamps were sent on Friday.',
]

/** The same manner, never trained on. */
export const HELD: readonly string[] = [
  'Dear Sir, we have received your order of August and thank you for it. The goods were sent on Sunday.',
  'Dear Madam, we have received your letter of March and thank you for it. The books were sent on Monday.',
]

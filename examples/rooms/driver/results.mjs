/** Results as receivers open them. */
import { readFile } from 'node:fs/promises'

/**
 * Rows of a query: the first line of the file says the columns, each other is a row.
 * @param {string} file
 * @returns {Promise<Record<string, any>[]>}
 */
export async function readRows(file) {
  const [head, ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const names = JSON.parse(head).columns.map(({ name }) => name)
  return lines.map((line) => Object.fromEntries(JSON.parse(line).map((value, at) => [names[at], value])))
}

/**
 * What a model said of each item, in order: every line of the file is one.
 * @param {string} file
 * @returns {Promise<{item: number, text: string}[]>}
 */
export async function readTexts(file) {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line))
}

/** A search for words that were planted in the data of parties, in all that an operator has of them. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'

/**
 * Finds words in bytes: as they are, in UTF-16, in hexadecimal and in base64. What was compressed, or encrypted with a key
 * that somebody has, is not found this way.
 * @param {readonly string[]} words
 * @returns {(bytes: Buffer) => string[]} the words that stand there
 */
export function createSearch(words) {
  const needles = words.flatMap((word) => formsOf(word).map((bytes) => ({ word, bytes })))
  return (bytes) => [...new Set(needles.filter((one) => bytes.includes(one.bytes)).map(({ word }) => word))]
}

function formsOf(word) {
  const plain = Buffer.from(word)
  const texts = [plain, Buffer.from(word, 'utf16le')].flatMap((bytes) => [
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...base64Forms(bytes),
  ])
  return [plain, Buffer.from(word, 'utf16le'), ...texts.map((text) => Buffer.from(text))]
}

/** In base64 a word looks different at each of three places; what depends on its neighbours is left out. */
function base64Forms(bytes) {
  return [0, 1, 2].flatMap((at) => {
    const text = Buffer.concat([Buffer.alloc(at), bytes]).toString('base64')
    const begin = Math.ceil((at * 8) / 6)
    const middle = text.slice(begin, Math.floor(((at + bytes.length) * 8) / 6))
    return [middle, middle.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

/**
 * Searches every file below a folder, and its name.
 * @param {string} folder
 * @param {(bytes: Buffer) => string[]} search
 * @param {{except?: string, since?: number}} [options] of the folder `except` only what was written after `since`
 * (milliseconds since the epoch): copies of the build
 */
export async function searchFolder(folder, search, { except, since = 0 } = {}) {
  const found = []
  let files = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    for (const word of search(Buffer.from(entry.name))) found.push({ path, word })
    if (!entry.isFile()) continue
    if (except !== undefined && path.startsWith(except + sep) && (await writtenAt(path)) < since) continue
    // A journal of a database may be gone by now; its content is in the database then.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    files++
    for (const word of search(bytes)) found.push({ path, word })
  }
  return { files, found }
}

const writtenAt = (path) =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity,
  )

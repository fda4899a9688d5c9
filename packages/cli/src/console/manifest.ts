import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../errors.ts'

/** File beside the pages that names them all, as `sha256sum -c` reads it. Whoever serves the pages wrote it too. */
export const MANIFEST_FILE = 'SHA256SUMS'
/** What the pages ask for besides: it says which service they are for, so it is no part of a release. */
export const CONFIG_FILE = 'console.json'
/** First page: what a browser gets for the folder. */
export const INDEX_FILE = 'index.html'

/** The pages are 50 files of 650 KB together. */
const MAX_FILES = 256
/** The largest is a script of 110 KB. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024
/** 256 lines. */
export const MAX_MANIFEST_BYTES = 65_536

/** SHA-256 of each file of the pages, hexadecimal, by name; in the order of names. */
export type PagesManifest = ReadonlyMap<string, string>

const LINE = /^([0-9a-f]{64}) {2}([A-Za-z0-9][A-Za-z0-9._-]{0,127})$/

/**
 * Structure of a manifest from anywhere. There is one way to write one, so its digest names the pages.
 * @throws `CLI_FILE` (fix-input)
 */
export function parseManifest(text: string): PagesManifest {
  if (text.length > MAX_MANIFEST_BYTES) throw malformed(`${text.length} characters`)
  const files = new Map<string, string>()
  const lines = text.split('\n')
  if (lines.pop() !== '') throw malformed('no line end after the last file')
  let last = ''
  for (const line of lines) {
    const [, digest, name] = LINE.exec(line) ?? []
    if (digest === undefined || name === undefined) throw malformed(`the line ${JSON.stringify(line)}`)
    if (name <= last) throw malformed(`${name} after ${last}`)
    if (name === CONFIG_FILE || name === MANIFEST_FILE) throw malformed(`a line about ${name}`)
    files.set(name, digest)
    last = name
  }
  if (!files.has(INDEX_FILE)) throw malformed(`no ${INDEX_FILE}`)
  if (files.size > MAX_FILES) throw malformed(`${files.size} files`)
  return files
}

/** SHA-256 of a file, hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return toHex(crypto.sha256(bytes))
}

/** What names the pages as a whole: SHA-256 of the text of their manifest. */
export function manifestDigest(text: string): string {
  return digestOf(utf8(text))
}

function malformed(found: string): Error {
  return cliError('CLI_FILE', 'this is no list of the pages', {
    expected: 'lines "SHA-256  name", sorted by name',
    found,
  })
}

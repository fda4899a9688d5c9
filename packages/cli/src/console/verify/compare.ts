import { SottoError } from '@sotto/protocol/errors'
import {
  digestOf,
  INDEX_FILE,
  MANIFEST_FILE,
  manifestDigest,
  MAX_MANIFEST_BYTES,
  MAX_PAGE_BYTES,
  type PagesManifest,
  parseManifest,
} from '../manifest.ts'
import type { Answer, Host } from './host.ts'
import { referencesOf } from './references.ts'

/** How one file of a host compares with what is expected. */
export interface FileResult {
  name: string
  /** `extra`: no file of the pages, and what is served refers to it. */
  status: 'same' | 'changed' | 'missing' | 'extra'
  /** SHA-256, hexadecimal, or why there is none. */
  expected?: string
  found?: string
}

/** Files beyond those that are expected which are named, and which are asked for: a host makes up as many as it likes. */
const MAX_EXTRA = 64
const MAX_ASKED = 256
const AT_ONCE = 6

/** What a host serves for the folder, and what it says of itself. */
export interface Served {
  /** First page, as a browser gets it for the folder. */
  index: Answer
  /** The same by its name, which is an address too. Some hosts have none there, or lead back to the folder. */
  named: Answer
  /** Text of the manifest; undefined when there is none, or it is no text. */
  manifest: string | undefined
}

/** Fetches what everything else begins with. */
export async function fetchFirst(host: Host): Promise<Served> {
  const index = await host.get('', MAX_PAGE_BYTES)
  const named = await host.get(INDEX_FILE, MAX_PAGE_BYTES)
  const listed = await host.get(MANIFEST_FILE, MAX_MANIFEST_BYTES)
  const manifest = listed.kind === 'file' ? Buffer.from(listed.bytes).toString('utf8') : undefined
  return { index, named, manifest }
}

/**
 * Fetches every file of a manifest and compares it. Scripts that are what they must be load nothing else; those that are not,
 * and the manifest of the host, are looked through for what else there is.
 *
 * @param manifest text of what is expected
 */
export async function compareFiles(host: Host, served: Served, manifest: string): Promise<FileResult[]> {
  const expected = parseManifest(manifest)
  const results: FileResult[] = []
  const suspects = new Set<string>(served.manifest === undefined ? [] : namesIn(served.manifest))
  const judge = (name: string, answer: Answer, wanted: string): void => {
    const result = resultOf(name, answer, wanted)
    results.push(result)
    if (result.status === 'changed' && answer.kind === 'file')
      for (const other of referencesOf(name, answer.bytes, host.url)) suspects.add(other)
  }
  judge(INDEX_FILE, served.index, expected.get(INDEX_FILE)!)
  if (isAnother(served, host)) judge(INDEX_FILE, served.named, expected.get(INDEX_FILE)!)
  const names = [...expected.keys()].filter((name) => name !== INDEX_FILE)
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE)
    const answers = await Promise.all(some.map((name) => host.get(name, MAX_PAGE_BYTES)))
    for (const [i, name] of some.entries()) judge(name, answers[i]!, expected.get(name)!)
  }
  results.push(manifestResult(served.manifest, manifest))
  results.push(...(await findExtra(host, served, expected, suspects)))
  return results
}

/** Whether somebody who types the name of the first page gets another one. */
function isAnother({ index, named }: Served, host: Host): boolean {
  if (named.kind === 'none') return named.leadsTo !== undefined && named.leadsTo !== host.url.href
  return index.kind === 'none' || !isSame(named.bytes, index.bytes)
}

async function findExtra(
  host: Host,
  { index }: Served,
  expected: PagesManifest,
  suspects: Set<string>,
): Promise<FileResult[]> {
  const results: FileResult[] = []
  let asked = 0
  // Grows while it is walked: what is extra may load more.
  for (const name of suspects) {
    if (expected.has(name) || name === MANIFEST_FILE) continue
    if (results.length === MAX_EXTRA || asked === MAX_ASKED) break
    if (!name.startsWith(host.url.href) && /^[a-z]+:/i.test(name)) {
      results.push({ name, status: 'extra', found: 'from elsewhere' })
      continue
    }
    asked++
    const answer = await host.get(name, MAX_PAGE_BYTES)
    // Many hosts answer with the first page whatever they are asked for.
    if (answer.kind !== 'file' || (index.kind === 'file' && isSame(answer.bytes, index.bytes))) continue
    results.push({ name, status: 'extra', found: digestOf(answer.bytes) })
    for (const other of referencesOf(name, answer.bytes, host.url)) suspects.add(other)
  }
  return results
}

function resultOf(name: string, answer: Answer, expected: string): FileResult {
  if (answer.kind === 'none') return { name, status: 'missing', expected, found: answer.why }
  const found = digestOf(answer.bytes)
  return found === expected
    ? { name, status: 'same', expected }
    : { name, status: 'changed', expected, found }
}

function manifestResult(found: string | undefined, text: string): FileResult {
  const expected = manifestDigest(text)
  if (found === text) return { name: MANIFEST_FILE, status: 'same', expected }
  return found === undefined
    ? { name: MANIFEST_FILE, status: 'missing', expected, found: 'no such file' }
    : { name: MANIFEST_FILE, status: 'changed', expected, found: manifestDigest(found) }
}

function namesIn(text: string): string[] {
  try {
    return [...parseManifest(text).keys()]
  } catch (error) {
    if (error instanceof SottoError) return []
    throw error
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { toHex } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'

/** One file of vectors, read when it is asked for. */
export interface VectorFile {
  /** Path relative to the family's folder. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly text: string
}

/** One case: it passes unless `run` throws. */
export interface VectorCase {
  /** The file it stands in, or the name it is reported under. */
  readonly file: string
  readonly name: string
  /**
   * Answers `'by design'` for a case that does not apply to the product (parameters it does not have,
   * a superseded draft, a misprint), after checking that it is refused and not misunderstood.
   */
  run(): VectorOutcome | Promise<VectorOutcome>
}

/** See {@link VectorCase.run}. */
export type VectorOutcome = void | 'by design'

/** All the vectors of one folder. What to do with a file is decided by its content, never by its name. */
export interface VectorFamily {
  /** Below the root of the vectors, for example `transport/hpke`. */
  readonly folder: string
  /** True for a folder that a set of vectors may lack altogether. What lies in it must still pass. */
  readonly isOptional?: boolean
  /** True for cases that consist of several files: they are reported under names of their own, and the family says which files no case uses. */
  readonly isGrouped?: boolean
  /** True for arithmetic alone, which is the same whatever the backend of the cryptography: it runs once. */
  readonly isArithmetic?: boolean
  cases(files: readonly VectorFile[]): Iterable<VectorCase>
}

/** How the cases of one file went. */
export interface FileReport {
  readonly folder: string
  readonly file: string
  passed: number
  /** How many of the passed cases are refusals by design. */
  byDesign: number
  total: number
  readonly failures: { name: string; reason: string }[]
}

/**
 * A family whose files are independent: `cases` gives name and check of every case in one file.
 * A file that cannot be read as vectors at all is one failed case, and the other files still run.
 */
export function perFile(
  folder: string,
  cases: (file: VectorFile) => Iterable<[name: string, run: VectorCase['run']]>,
): VectorFamily {
  return {
    folder,
    *cases(files) {
      for (const file of files) {
        try {
          for (const [name, run] of cases(file)) yield { file: file.name, name, run }
        } catch (error) {
          const run = (): never => {
            throw error
          }
          yield { file: file.name, name: 'content', run }
        }
      }
    },
  }
}

/** All files below a folder, sorted by path, without what people write about them. */
export function readVectorFiles(folder: string): VectorFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !isAboutFiles(basename(path)))
    .sort()
    .map((path) => lazyFile(relative(folder, path), path))
}

/** Documents, and the hidden files that operating systems leave. */
function isAboutFiles(name: string): boolean {
  return name.startsWith('.') || name.toLowerCase().endsWith('.md')
}

/** Runs a family. A file without cases counts as a failure: it was not understood. */
export async function runFamily(root: string, family: VectorFamily): Promise<FileReport[]> {
  const files = readVectorFiles(join(root, family.folder))
  const reports = new Map<string, FileReport>()
  const reportOn = (file: string): FileReport => {
    const report = { folder: family.folder, file, passed: 0, byDesign: 0, total: 0, failures: [] }
    if (!reports.has(file)) reports.set(file, report)
    return reports.get(file)!
  }
  if (family.isGrouped !== true) for (const { name } of files) reportOn(name)
  for (const one of family.cases(files)) {
    const report = reportOn(one.file)
    report.total++
    try {
      if ((await one.run()) === 'by design') report.byDesign++
      report.passed++
    } catch (error) {
      report.failures.push({ name: one.name, reason: reasonOf(error) })
    }
  }
  for (const report of reports.values()) {
    if (report.total === 0)
      report.failures.push({ name: report.file, reason: 'no cases were found in this file' })
  }
  return [...reports.values()]
}

/** Fails the case unless the bytes are the expected hexadecimal. */
export function expectHex(what: string, found: Uint8Array, expected: string): void {
  const hex = toHex(found)
  if (hex !== expected.toLowerCase())
    throw new Error(`${what}: found ${shorten(hex)}, expected ${shorten(expected)}`)
}

/** What a vector expects of the implementation. Anything but these two words is not understood. */
export function isRefusalExpected(expect: unknown): boolean {
  if (expect !== 'accept' && expect !== 'reject')
    throw new Error(`no expectation is called ${String(expect)}`)
  return expect === 'reject'
}

/** Fails the case unless the two values are equal as JSON. */
export function expectEqual(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: found ${shorten(a)}, expected ${shorten(b)}`)
}

/** Fails the case unless the call is refused with one of our own codes. Another error is a bug. */
export function expectRefused(what: string, run: () => unknown, ...codes: string[]): void {
  try {
    run()
  } catch (error) {
    if (codes.some((code) => hasCode(error, code))) return
    throw new Error(`${what}: refused for another reason`, { cause: error })
  }
  throw new Error(`${what}: was accepted and must be refused`)
}

/** The failure of a file whose content is not understood. */
export function unknownShape(what: string): [string, () => void] {
  const refuse = (): never => {
    throw new Error(`no runner understands ${what}`)
  }
  return ['shape', refuse]
}

function lazyFile(name: string, path: string): VectorFile {
  return {
    name,
    get bytes() {
      return new Uint8Array(readUncompressed(path))
    },
    get text() {
      return readUncompressed(path).toString('utf8')
    },
  }
}

/** Large lists are published compressed; the magic number of RFC 1952 says so, not the name. */
function readUncompressed(path: string): Buffer {
  const bytes = readFileSync(path)
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
}

/** The message, with what it says about its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`
}

function shorten(text = 'undefined'): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}… (${text.length} characters)`
}

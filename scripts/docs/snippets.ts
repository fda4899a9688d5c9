import { join } from 'node:path'
import ts from 'typescript'
import { GIVEN } from './given.ts'
import { parsePage } from './markdown.ts'

/** A block of TypeScript in a page. */
export interface Snippet {
  readonly file: string
  /** Of its first line in the page. */
  readonly line: number
  readonly code: string
  /** What stands behind the language: `run` for blocks that a test runs. */
  readonly info: readonly string[]
}

/** The fenced blocks of a page in one language. */
export function snippetsOf(file: string, markdown: string, language: string): Snippet[] {
  return parsePage(markdown).tokens.flatMap(({ type, info, content, map }) => {
    const [name, ...rest] = info.trim().split(/\s+/)
    if (type !== 'fence' || name !== language) return []
    return [{ file, line: (map?.[0] ?? 0) + 2, code: content, info: rest }]
  })
}

/**
 * What the compiler says of blocks of TypeScript, each a module of its own in the checkout `root`. Names that a page takes
 * for granted are declared in `given.ts`.
 */
export function checkSnippets(root: string, snippets: readonly Snippet[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['none'] }, ts.sys, root)
  const virtual = new Map([[join(root, 'snippets', 'given.d.ts'), GIVEN]])
  const places = new Map<string, Snippet>()
  for (const [index, snippet] of snippets.entries()) {
    const path = join(root, 'snippets', `${index}.ts`)
    virtual.set(path, `${snippet.code}\nexport {}\n`)
    places.set(path, snippet)
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => virtual.has(path) || fileExists(path)
  host.readFile = (path) => virtual.get(path) ?? readFile(path)
  host.getSourceFile = (path, ...rest) => {
    const text = virtual.get(path)
    return text === undefined ? getSourceFile(path, ...rest) : ts.createSourceFile(path, text, rest[0])
  }
  const program = ts.createProgram([...virtual.keys()], options, host)
  return [...virtual.keys()]
    .flatMap((path) => {
      const source = program.getSourceFile(path)
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    })
    .map((diagnostic) => said(diagnostic, places))
}

function said({ file, start, messageText }: ts.Diagnostic, places: ReadonlyMap<string, Snippet>): string {
  const text = ts.flattenDiagnosticMessageText(messageText, ' ')
  const place = file && places.get(file.fileName)
  if (place === undefined) return `given.ts: ${text}`
  const line = file!.getLineAndCharacterOfPosition(start ?? 0).line
  return `${place.file}:${place.line + line}: ${text}`
}

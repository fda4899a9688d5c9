import { type DeclarationReflection, ReflectionKind } from 'typedoc'
import { blocks, summary } from './comments.ts'
import { moduleFile, type SdkEntry } from './entries.ts'
import { callable, declaration, membersOf } from './signatures.ts'

const GROUPS: readonly (readonly [ReflectionKind, string])[] = [
  [ReflectionKind.Function, 'Functions'],
  [ReflectionKind.Class, 'Classes'],
  [ReflectionKind.Interface, 'Interfaces'],
  [ReflectionKind.TypeAlias, 'Types'],
  [ReflectionKind.Variable, 'Constants'],
]

/** What a module exports: declarations as they are typed, and the words above them. */
export function modulePage(
  { name, about, file }: SdkEntry,
  module: DeclarationReflection,
  homeOf: (name: string) => string | undefined,
): string {
  const children = module.children ?? []
  const parts = [
    `# ${name}`,
    `${about} Source: [${file}](../../${file}).`,
    '```ts\n' + importOf(name, children) + '\n```',
    ...GROUPS.flatMap(([kind, title]) => {
      const own = children.filter((child) => child.kind === kind)
      return own.length === 0 ? [] : [`## ${title}`, ...own.flatMap((child) => exportParts(child))]
    }),
    ...passedOn(children, homeOf),
  ]
  return `${parts.join('\n\n')}\n`
}

/** What a program imports most: a few functions and classes; where there are none, types. */
function importOf(name: string, children: readonly DeclarationReflection[]): string {
  const values = children.filter(
    ({ kind }) => kind === ReflectionKind.Function || kind === ReflectionKind.Class,
  )
  const types = children.filter(({ kind }) => kind !== ReflectionKind.Reference)
  const names =
    values.length > 0 ? values.map((child) => child.name) : types.map((child) => `type ${child.name}`)
  return `import { ${names.slice(0, 3).join(', ')} } from '${name}'`
}

function exportParts(child: DeclarationReflection): string[] {
  const { comment } = child.signatures?.[0] ?? child
  const members = membersOf(child).filter(({ words }) => words !== '')
  return [
    `### ${child.name}`,
    ...summary(comment),
    '```ts\n' + (child.signatures ? callable(child) : declaration(child)) + '\n```',
    ...(members.length > 0
      ? [
          [
            '| member | |',
            '|---|---|',
            ...members.map(({ name, words }) => `| \`${name}\` | ${words} |`),
          ].join('\n'),
        ]
      : []),
    ...blocks(comment, child.signatures?.[0]?.parameters),
  ]
}

/** Names that stand here and are described elsewhere. */
function passedOn(
  children: readonly DeclarationReflection[],
  homeOf: (name: string) => string | undefined,
): string[] {
  const names = children.filter(({ kind }) => kind === ReflectionKind.Reference).map((child) => child.name)
  if (names.length === 0) return []
  const items = names.map((name) => {
    const home = homeOf(name)
    if (home === undefined) return `- \`${name}\``
    const file = moduleFile(home).slice('docs/reference/'.length)
    return `- [\`${name}\`](${file}#${name.toLowerCase()}) of ${home}`
  })
  return ['## Also exported', items.join('\n')]
}

import { join } from 'node:path'
import { Application, type DeclarationReflection, ReflectionKind } from 'typedoc'
import { modulePage } from './module-page.ts'
import { moduleFile, SDK_ENTRIES } from './entries.ts'

/**
 * A page of markdown for each module, from its types and what is written above them. It takes a compiler's time.
 * @throws Error for an entry that the tsconfig beside this file does not list
 */
export async function sdkPages(root: string, entries = SDK_ENTRIES): Promise<Map<string, string>> {
  const app = await Application.bootstrap({
    entryPoints: entries.map(({ file }) => join(root, file)),
    tsconfig: join(root, 'scripts/docs/sdk/tsconfig.json'),
    // `npm run check` does that, for everything.
    skipErrorChecking: true,
    excludeInternal: true,
    disableGit: true,
    disableSources: true,
    readme: 'none',
    sort: ['source-order'],
    logLevel: 'Error',
    validation: false,
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('TypeDoc found no project')
  const modules = project.getChildrenByKind(ReflectionKind.Module)
  return new Map(
    entries.map((entry) => {
      const module = find(modules, entry.file)
      if (module === undefined) throw new Error(`TypeDoc found no module ${entry.file}`)
      return [moduleFile(entry.name), modulePage(entry, module, homeOf)] as const
    }),
  )

  /** Names that a module only passes on are described where they come from. */
  function homeOf(name: string): string | undefined {
    for (const { file, name: module } of entries)
      if (
        find(modules, file)?.children?.some(
          (child) => child.name === name && child.kind !== ReflectionKind.Reference,
        )
      )
        return module
    return undefined
  }
}

/** TypeDoc calls modules by the part of their path that differs: `client/src/tensors`. */
function find(modules: readonly DeclarationReflection[], file: string): DeclarationReflection | undefined {
  const path = file.replace(/\/index\.ts$/, '')
  return modules.find(({ name }) => path === name || path === `packages/${name}`)
}

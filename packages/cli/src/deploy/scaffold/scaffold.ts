import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeNew } from '@sotto/client/node'
import { stringify } from 'yaml'
import { cliError } from '../../errors.ts'
import { findLayout } from '../../stack/layout.ts'
import { DEPLOYMENT_FILE, parseDeploymentFile } from '../file/index.ts'

/** What a deployment can begin with: folders of `examples/`, and the models alone. */
export const TEMPLATES = ['chat', 'summary', 'models'] as const
export type Template = (typeof TEMPLATES)[number]

const NAME = /^[a-z][a-z0-9-]{0,62}$/

/** What lies in a folder that was used, and belongs to nobody's app. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.sotto', 'node_modules'])

const MODELS_FILE = `# What runs, and where: docs/deploy.md lists every member.
name: models
`

/**
 * Writes a deployment to begin with. Nothing that is there is replaced, and what cannot be written whole is not begun.
 * @throws `DEPLOY_FILE` (fix-input) where a file is there already, or the name is none; `CLI_FILE`
 */
export async function scaffold(
  folder: string,
  template: Template,
  wanted: string | undefined,
): Promise<{ name: string; files: string[] }> {
  const name = wanted ?? nameOf(folder)
  if (!NAME.test(name))
    throw cliError('DEPLOY_FILE', `${JSON.stringify(name.slice(0, 63))} is no name of a deployment`, {
      expected: 'small letters, digits and hyphens, a letter first, at most 63',
      hint: 'pass --name',
    })
  const files = await filesOf(template)
  const text = files
    .get(DEPLOYMENT_FILE)!
    .toString('utf8')
    // In quotes where it has to: true and null are names, too.
    .replace(/^name: .*$/m, () => `name: ${stringify(name).trim()}`)
  parseDeploymentFile(text, join(folder, DEPLOYMENT_FILE))
  files.set(DEPLOYMENT_FILE, Buffer.from(text))
  await refuseExisting(folder, [...files.keys()])
  await writeAll(folder, files)
  return { name, files: [...files.keys()] }
}

/** All of them or none: half an app would only be in the way of the next try. */
async function writeAll(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  const written: string[] = []
  for (const [file, bytes] of files) {
    const path = join(folder, file)
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeNew(path, bytes, 0o644)
      written.push(path)
    } catch (cause) {
      await Promise.all(written.map((one) => rm(one, { force: true })))
      throw cliError('CLI_FILE', `cannot write ${path}`, { cause, hint: 'is it a folder of yours?' })
    }
  }
}

/** A name like that of the folder. */
function nameOf(folder: string): string {
  const plain = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
  return plain.slice(0, 63) || 'app'
}

async function filesOf(template: Template): Promise<Map<string, Buffer>> {
  if (template === 'models') return new Map([[DEPLOYMENT_FILE, Buffer.from(MODELS_FILE)]])
  const source = join(findLayout().examples, template)
  const files = new Map<string, Buffer>()
  const collect = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(source, prefix), { withFileTypes: true })) {
      const path = join(prefix, entry.name)
      // Whoever ran an example in its place left a state with keys there.
      if (LEFT_OUT.has(entry.name)) continue
      if (entry.isDirectory()) await collect(path)
      else if (entry.isFile()) files.set(path, await readFile(join(source, path)))
    }
  }
  await collect('')
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function refuseExisting(folder: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const isThere = await lstat(join(folder, file)).then(
      () => true,
      () => false,
    )
    if (isThere)
      throw cliError('DEPLOY_FILE', `${join(folder, file)} is there already`, {
        hint: 'begin in another folder: sotto init DIR',
      })
  }
}

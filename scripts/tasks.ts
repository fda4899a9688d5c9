/** What the npm scripts run under the pinned Node: one task per verb. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import { buildIfStale } from './build.ts'
import { installPart, ROOMS_PART } from './build/parts.ts'

const root = resolve(import.meta.dirname, '..')
const tool = (name: string): string => join(root, 'node_modules', '.bin', name)

type Task = (args: string[]) => number | Promise<number>

const tasks: Record<string, Task> = {
  demo: (args) => sotto(['demo', ...args]),
  sotto,
  test: async (args) => {
    await buildIfStale()
    return run(tool('vitest'), ['run', ...args])
  },
  vectors: (args) => run(process.execPath, [join(root, 'scripts/vectors/main.ts'), ...args]),
  fuzz: (args) => run(process.execPath, [join(root, 'scripts/fuzz/main.ts'), ...args]),
  build: async () => {
    await buildIfStale({ always: true })
    return 0
  },
  rooms: async () => {
    installPart(join(root, ROOMS_PART))
    await buildIfStale()
    return 0
  },
  docs: (args) => run(process.execPath, [join(root, 'scripts/docs/build.ts'), ...args]),
  'release:build': (args) => run(process.execPath, [join(root, 'scripts/release/main.ts'), ...args]),
  check,
  bench: (args) => {
    const [name, ...rest] = args
    const file = join(root, 'bench', `${name}.ts`)
    if (name && existsSync(file)) return run(process.execPath, [file, ...rest])
    process.stderr.write('usage: npm run bench -- NAME   (see bench/README.md)\n')
    return 2
  },
  format: () => run(tool('oxfmt'), ['packages', 'scripts', 'test', 'bench', 'examples', 'vitest.config.ts']),
}

/** Everything that must hold besides the tests: types, lint, format, layers, error pages, tables of fields, OpenAPI, bundles, sizes, pages, notices. */
async function check(): Promise<number> {
  const steps: [string, () => number | Promise<number>][] = [
    ['types', () => run(tool('tsc'), ['-p', 'tsconfig.json'])],
    [
      'lint',
      () =>
        run(tool('oxlint'), [
          '--type-aware',
          '--deny-warnings',
          'packages',
          'scripts',
          'test',
          'bench',
          'examples',
        ]),
    ],
    [
      'format',
      () =>
        run(tool('oxfmt'), [
          '--check',
          'packages',
          'scripts',
          'test',
          'bench',
          'examples',
          'vitest.config.ts',
        ]),
    ],
    ['layers', () => run(process.execPath, [join(root, 'scripts/layers.ts')])],
    ['error pages', () => run(process.execPath, [join(root, 'scripts/error-codes.ts')])],
    ['tables of fields', () => run(process.execPath, [join(root, 'scripts/api-fields.ts')])],
    ['OpenAPI', () => run(process.execPath, [join(root, 'scripts/openapi.ts')])],
    [
      'bundles',
      async () => (await buildIfStale(), run(process.execPath, [join(root, 'scripts/bundles.ts')])),
    ],
    ['browser verifier', () => run(process.execPath, [join(root, 'scripts/browser-verifier.ts')])],
    ['pages', () => run(process.execPath, [join(root, 'scripts/console/check.ts')])],
    // Reads the same build.
    ['notices', () => run(process.execPath, [join(root, 'scripts/notices.ts')])],
  ]
  const failed: string[] = []
  for (const [name, step] of steps) if ((await step()) !== 0) failed.push(name)
  process.stdout.write(
    failed.length
      ? `check: failed: ${failed.join(', ')}\n`
      : 'check: types, lint, format, layers, error pages, tables of fields, OpenAPI, bundles, browser verifier, pages and notices hold\n',
  )
  return failed.length ? 1 : 0
}

/** `demo` and `up` execute built bundles, never sources: what runs is what is measured. */
async function sotto(args: string[]): Promise<number> {
  // The engine of queries is large, and most never need it: it comes when rooms are first used.
  if (args.includes('up') && args.includes('--rooms')) installQueries()
  await buildIfStale()
  const entry = join(root, 'dist/cli/sotto.js')
  // Takes this process over: the command keeps the terminal, the signals and the exit code.
  process.argv.splice(1, Infinity, entry, ...args)
  await import(entry)
  return 0
}

/** Without it a room does everything but queries, and `up` says so. */
function installQueries(): void {
  try {
    installPart(join(root, ROOMS_PART))
  } catch (error) {
    process.stderr.write(`sotto: DuckDB is not installed: ${(error as Error).message}\n`)
  }
}

function run(command: string, args: string[]): number {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (result.error) throw result.error
  return result.status ?? 128 + constants.signals[result.signal!]
}

const [name = '', ...args] = process.argv.slice(2)
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
if (task) process.exitCode = await task(args)
else {
  process.stderr.write(
    `error: no task ${JSON.stringify(name)}\nhint: one of ${Object.keys(tasks).join(', ')}\n`,
  )
  process.exitCode = 2
}

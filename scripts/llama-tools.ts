/**
 * Builds llama-quantize and llama-perplexity from the llama.cpp source that travels in node-llama-cpp, against the
 * libraries that travel with it: offline, with git and g++, in a minute. `node scripts/llama-tools.ts [FOLDER]` prints
 * the folder of the programs; `sotto models quantize` looks in the one it takes by default.
 *
 * Everything llama.cpp consists of, the server among it, is built by `scripts/llama-cpp.ts`, which takes much longer.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const modules = resolve(import.meta.dirname, '../node_modules')
const BUNDLE = join(modules, 'node-llama-cpp/llama/gitRelease.bundle')
const LIBRARIES = join(modules, `@node-llama-cpp/linux-${process.arch}/bins/linux-${process.arch}`)
/** Each has a folder of that name below `tools`, with a `main.cpp` and the rest in one file. */
const TOOLS = ['quantize', 'perplexity']
const LINKED = /^lib(llama-common|llama\.|ggml\.|ggml-base)/

/** Builds into `folder` unless it holds the programs of this version, and answers it. */
function build(folder: string): string {
  const [commit] = execFileSync('git', ['bundle', 'list-heads', BUNDLE], { encoding: 'utf8' }).split(' ')
  const stamp = `${commit} ${process.arch}\n`
  const stampFile = join(folder, 'stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const work = mkdtempSync(`${folder}-building-`)
  try {
    const source = join(work, 'source')
    run('git', ['clone', '--quiet', BUNDLE, source])
    const staging = join(work, 'programs')
    mkdirSync(staging)
    const libraries = readdirSync(LIBRARIES).filter((name) => name.startsWith('lib'))
    // Beside the programs: there llama.cpp looks for the library that suits the processor.
    for (const name of libraries) copyFileSync(join(LIBRARIES, name), join(staging, name))
    for (const tool of TOOLS) compile(tool, source, staging, libraries)
    writeFileSync(join(staging, 'stamp'), stamp)
    // Whole or not at all: a build that is stopped half-way leaves nothing under the name of a good one.
    rmSync(folder, { recursive: true, force: true })
    renameSync(staging, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}

function compile(tool: string, source: string, staging: string, libraries: readonly string[]): void {
  run('g++', [
    '-std=c++17',
    '-O2',
    '-w',
    ...['include', 'ggml/include', 'common', 'vendor'].flatMap((folder) => ['-I', join(source, folder)]),
    ...['main', tool].map((name) => join(source, 'tools', tool, `${name}.cpp`)),
    '-o',
    join(staging, `llama-${tool}`),
    `-L${staging}`,
    ...libraries.filter((name) => LINKED.test(name)).map((name) => `-l:${name}`),
    '-pthread',
    '-Wl,-rpath,$ORIGIN',
    '-Wl,--allow-shlib-undefined',
  ])
}

/** What the tools say goes to stderr: standard output is the folder alone. */
function run(program: string, words: readonly string[]): void {
  execFileSync(program, words, { stdio: ['ignore', process.stderr, process.stderr] })
}

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
process.stdout.write(`${build(resolve(process.argv[2] ?? join(cache, 'sotto', 'llama-tools')))}\n`)

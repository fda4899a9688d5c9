/**
 * Builds llama-quantize and llama-perplexity from the llama.cpp source that travels in node-llama-cpp, against the
 * libraries that travel with it: offline, with git and g++, in a minute. `node scripts/llama-tools.ts [FOLDER]` prints
 * the folder of the programs; `sotto models quantize` looks in the one it takes by default.
 *
 * A server that an enclave may start is built by `scripts/llama-cpp.ts`, which takes much longer.
 */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { buildOnce, compile, linkWords } from './llama/travelling.ts'

/** Each has a folder of that name below `tools`, with a `main.cpp` and the rest in one file. */
const TOOLS = ['quantize', 'perplexity']

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const folder = buildOnce(resolve(process.argv[2] ?? join(cache, 'sotto', 'llama-tools')), (building) => {
  for (const tool of TOOLS) {
    const files = ['main', tool].map((name) => join(building.source, 'tools', tool, `${name}.cpp`))
    compile(building, files, ['-O2', ...linkWords(building, `llama-${tool}`)])
  }
})
process.stdout.write(`${folder}\n`)

/**
 * Builds a llama-server to put beside an enclave in tests: the real one, from the source that travels in node-llama-cpp,
 * against the libraries that travel with it, in a minute of one processor: without images and without optimisation of
 * its own code (that of the libraries is optimised). `node scripts/llama-sidecar.ts FOLDER` prints the folder.
 *
 * No enclave starts it as a child: it loads libraries. `scripts/llama-cpp.ts` builds the static one for that.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildOnce, type Building, compile, linkWords } from './llama/travelling.ts'

/** Its page in the browser, which is not part of the source: none. */
const NO_PAGES = `#pragma once
#include <array>
#include <string>
struct llama_ui_asset { std::string name; const unsigned char * data; std::size_t size; std::string etag; std::string type; };
inline const llama_ui_asset * llama_ui_find_asset(const std::string &) { return nullptr; }
inline bool llama_ui_use_gzip() { return false; }
inline const std::array<llama_ui_asset, 0> & llama_ui_get_assets() { static const std::array<llama_ui_asset, 0> none{}; return none; }
`

/** What it calls of the library for images although there are none; whatever else it called would end it. */
const NO_IMAGES = `#include <cstdlib>
#include "mtmd.h"
#include "mtmd-helper.h"
extern "C" void sotto_no_images() { abort(); }
void mtmd_helper_log_set(ggml_log_callback, void *) {}
mtmd_helper_init_opt mtmd_helper_init_opt_default() { return {}; }
mtmd_context_params mtmd_context_params_default() { return {}; }
void mtmd_free(mtmd_context *) {}
`

function make(building: Building): void {
  const { source, staging } = building
  const server = join(source, 'tools/server')
  const own = join(source, 'sidecar')
  // One unit: what its files share, most of it JSON, is compiled once.
  const files = readdirSync(server).filter((name) => name.endsWith('.cpp'))
  const unit = [NO_IMAGES, ...files.map((name) => `#include "${join(server, name)}"\n`)].join('')
  writeFileSync(join(source, 'tools/ui/ui.h'), NO_PAGES)
  writeFileSync(`${own}.cpp`, unit)
  const headers = ['tools/mtmd', 'tools/server', 'tools/ui', '.'].flatMap((name) => [
    '-I',
    join(source, name),
  ])
  compile(building, [`${own}.cpp`], ['-O0', ...headers, '-c', '-o', `${own}.o`])
  const missing = execFileSync('nm', ['-u', `${own}.o`], { encoding: 'utf8' }).match(/\S*mtmd\S*/g) ?? []
  compile(
    building,
    [join(source, 'vendor/cpp-httplib/httplib.cpp'), `${own}.o`],
    [
      '-O0',
      ...missing.map((name) => `-Wl,--defsym=${name}=sotto_no_images`),
      ...linkWords(building, 'llama-server'),
    ],
  )
  execFileSync(join(staging, 'llama-server'), ['--version'], { stdio: 'ignore' })
}

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write('usage: node scripts/llama-sidecar.ts FOLDER\n')
  process.exit(2)
}
process.stdout.write(`${buildOnce(resolve(folder), make)}\n`)

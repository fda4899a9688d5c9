/** Which licences may enter an image without anybody having to think. */
import { EMBEDDED, HOLDERS } from './embedded.ts'
import type { ShippedPackage } from './inventory.ts'

const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'blessing',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'curl',
  'ISC',
  'MIT',
  'PostgreSQL',
  'Unicode-DFS-2016',
  'Unlicense',
  'Zlib',
])

/**
 * Parts under another licence that are accepted, and what a reader must be told of them.
 *
 * MP3: of the decoders on npm under a permissive licence, js-mp3 0.1.0 reads no MPEG-2 (16 to 24 kHz, most speech), and
 * minimp3-wasm 0.1.0, equal within 0.00005 and as fast, loops for ever on one damaged file in 440 and reports
 * sound it did not decode.
 */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  libmpg123: [
    'decodes MP3. It is compiled to WebAssembly inside the package `mpg123-decoder`, whose own code is MIT, and is used',
    "unchanged. Its source is [modules/mpg123](https://github.com/eshaz/wasm-audio-decoders/tree/main/modules) of the package's",
    'repository, from [mpg123.de](https://www.mpg123.de/). Whoever passes on an image with engines must pass on this file, which',
    'holds the text of the licence, and the way to that source. To run the image with another libmpg123, put a build of',
    '`mpg123-decoder` with the same interface into `node_modules` and run `npm run build`: everything else the image is made of',
    'is in this repository. Such an image has another measurement, so a policy must admit it, like any other change.',
  ].join(' '),
  Eigen: [
    'is a library of C++ headers compiled, unchanged by us, into the ONNX Runtime that `onnxruntime-node` brings. The licence',
    '([text](https://www.mozilla.org/MPL/2.0/)) covers its files alone. Their source is',
    '[gitlab.com/libeigen/eigen](https://gitlab.com/libeigen/eigen).',
  ].join(' '),
}

/** What must be decided or written down before these packages may ship. */
export function problemsOf(packages: readonly ShippedPackage[]): string[] {
  const problems: string[] = []
  for (const { name, version, licence, isCompiled } of packages) {
    if (!PERMISSIVE.has(licence) && !EXCEPTIONS[name])
      problems.push(`${name} ${version}: licence ${licence} is not permissive`)
    const review = EMBEDDED[name]
    if (isCompiled && !review)
      problems.push(
        `${name} ${version}: brings compiled code; say in scripts/notices/embedded.ts what it is made of`,
      )
    if (review && review.version !== version)
      problems.push(
        `${name} ${version}: scripts/notices/embedded.ts describes ${review.version}; look again at what it is made of`,
      )
    for (const part of review?.parts ?? [])
      if (!PERMISSIVE.has(part.licence) && !EXCEPTIONS[part.name])
        problems.push(
          `${name} ${version}: ${part.name} in it is under ${part.licence}, which is not permissive`,
        )
  }
  const shipped = new Set(packages.map(({ name }) => name))
  for (const name of new Set([...Object.keys(EMBEDDED), ...Object.keys(HOLDERS)]))
    if (!shipped.has(name))
      problems.push(`${name}: described in scripts/notices/embedded.ts but no longer shipped`)
  return problems
}

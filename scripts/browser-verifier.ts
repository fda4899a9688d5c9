/**
 * Size check: the verifier of every family of evidence, bundled for browsers. Pages load it before they show
 * a verdict, so it stays small; and it needs nothing of Node.
 */
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const MAX_GZIP_BYTES = 120 * 1024

const { outputFiles } = await build({
  stdin: {
    contents:
      "export { appraiseEvidence, parseEvidencePolicy, verifyFamily } from '@sotto/verifier/appraisal'",
    resolveDir: join(root, 'packages/client'),
  },
  bundle: true,
  write: false,
  minify: true,
  format: 'esm',
  platform: 'browser',
  conditions: ['browser'],
  target: 'es2024',
})
const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
const isSmall = bytes <= MAX_GZIP_BYTES
const kilobytes = (bytes / 1024).toFixed(1)
console.log(
  `the verifier of all families in a browser: ${kilobytes} KB gzip (at most ${MAX_GZIP_BYTES / 1024} KB): ${isSmall ? 'holds' : 'TOO LARGE'}`,
)
process.exitCode = isSmall ? 0 : 1

/** The `sotto` command as one person has it: a process of its own, with a home of its own. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the checkout. */
export const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url))
const COMMAND = process.env.SOTTO_COMMAND ?? join(CHECKOUT, 'dist', 'cli', 'sotto.js')
/** Longest that one command may take, milliseconds. */
const TIME_MS = 180_000

/** The Node that came with the checkout: the one on the path may be too old. */
function findNode() {
  const own = join(CHECKOUT, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  return existsSync(own) ? own : process.execPath
}

/**
 * Why an example cannot run here; undefined: it can.
 * @param {{hasQueries: boolean}} needs
 */
export function findMissing({ hasQueries }) {
  if (!existsSync(resolve(COMMAND))) return 'Sotto is not built: npm run build'
  if (!hasQueries) return undefined
  const engine = join(CHECKOUT, 'dist/images/software/room/node_modules/@duckdb/node-api')
  return existsSync(engine) ? undefined : 'DuckDB is not installed: npm run rooms'
}

/**
 * Runs it to its end.
 * @param {string[]} args
 * @param {{cwd: string, home: string, input?: string}} where `input`: its standard input
 * @returns {Promise<{code: number | null, stdout: string, stderr: string}>}
 */
export function runCommand(args, { cwd, home, input }) {
  // Nothing of the environment of whoever started the example: no home, no tokens.
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: join(home, 'tmp'), LANG: 'C.UTF-8' }
  const child = spawn(findNode(), [resolve(COMMAND), ...args], { cwd, env, timeout: TIME_MS })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'])
    child[stream].setEncoding('utf8').on('data', (text) => (said[stream] += text))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (code) => done({ code, ...said }))
  })
}

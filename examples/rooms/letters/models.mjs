/** Models as folders with a manifest: those that somebody has, or the small ones of the tests. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CHECKOUT } from '../driver/commands.mjs'

/** Models with random weights and the layout of a Hugging Face export, and what transformers answers with them. */
const FIXTURES = join(CHECKOUT, 'packages/enclave/test/engines/fixtures')
const ANSWERS = 'expected.json'

/**
 * Puts a model where a draft names it.
 * @param {string} target a folder, which is made
 * @param {{own: string, fixture: 't5' | 'bart', description: string}} from `own`: a folder that `sotto models pull` made,
 * or nothing
 */
export async function placeModel(target, { own, fixture, description }) {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  if (own !== '') {
    if (!existsSync(join(own, 'manifest.json')))
      throw new Error(`${own} has no manifest.json: sotto models pull makes one`)
    return symlink(resolve(own), target)
  }
  await mkdir(target, { mode: 0o700 })
  const names = (await readdir(join(FIXTURES, fixture))).filter((name) => name !== ANSWERS).sort()
  const files = []
  for (const name of names) {
    const bytes = await readFile(join(FIXTURES, fixture, name))
    await writeFile(join(target, name), bytes)
    files.push({
      name,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      size: bytes.length,
      role: roleOf(name),
    })
  }
  const model = { engine: 'seq2seq', task: 'summarization', files }
  const manifest = {
    format: 'sotto-model/1',
    id: `tiny-${fixture}`,
    ...model,
    digest: digestOf(model),
    description,
  }
  await writeFile(join(target, 'manifest.json'), JSON.stringify(manifest))
}

/** The model that comes with Sotto and takes the sentences that say most. */
export async function placeExtractive(target) {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  await symlink(join(CHECKOUT, 'models/sotto-extractive'), target)
}

/**
 * Texts with the summaries that PyTorch and transformers make of them with the same weights and settings.
 * @returns {Promise<{text: string, decoded: string}[]>}
 */
export async function answersOf(fixture) {
  return JSON.parse(await readFile(join(FIXTURES, fixture, ANSWERS), 'utf8')).summary
}

function roleOf(name) {
  if (name.startsWith('encoder')) return 'encoder'
  if (name.startsWith('decoder')) return 'decoder'
  return name.startsWith('tokenizer') ? 'tokenizer' : 'config'
}

/** Of engine, task and every file: what a contract pins. */
function digestOf({ engine, task, files }) {
  const lines = files.map(({ sha256, size, role, name }) => `${sha256} ${size} ${role} ${name}\n`)
  return createHash('sha256')
    .update(`sotto-model/1\n${engine} ${task}\n${lines.join('')}`)
    .digest('hex')
}

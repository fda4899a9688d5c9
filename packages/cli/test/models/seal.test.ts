import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findModels, sealModels } from '../../src/stack/models.ts'

const seal = async (folders: readonly string[], target: string): ReturnType<typeof sealModels> =>
  sealModels(await findModels(folders), target)
const EXTRACTIVE = fileURLToPath(new URL('../../../../models/sotto-extractive', import.meta.url))
let root: string
const at = (name: string): string => join(root, name)
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sotto-seal-'))
  for (const name of ['ours', 'theirs', 'sealed']) mkdirSync(at(name))
  cpSync(EXTRACTIVE, join(at('ours'), 'extractive'), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true }))

it('seals the models of several folders, and passes over what is no model', async () => {
  cpSync(EXTRACTIVE, join(at('theirs'), 'copy'), { recursive: true })
  renameModel(join(at('theirs'), 'copy'), 'copy')
  mkdirSync(join(at('theirs'), '.partial', 'half'), { recursive: true })
  const sealed = await seal([at('ours'), at('theirs')], at('sealed'))
  expect(sealed.map(({ name }) => name)).toEqual(['sotto-extractive', 'copy'])
  expect(readdirSync(at('sealed')).sort()).toEqual(sealed.map(({ file }) => file).sort())
})

it('takes a model once that two of its folders lead to', async () => {
  const sealed = await sealModels(
    await findModels([at('ours'), join(at('ours'), 'extractive')]),
    at('sealed'),
  )
  expect(sealed.map(({ name }) => name)).toEqual(['sotto-extractive'])
})

it('seals the one model of a folder that is a model itself', async () => {
  const sealed = await seal([join(at('ours'), 'extractive')], at('sealed'))
  expect(sealed.map(({ name }) => name)).toEqual(['sotto-extractive'])
})

it('refuses two models of one name before it seals any', async () => {
  cpSync(EXTRACTIVE, join(at('theirs'), 'copy'), { recursive: true })
  await expect(seal([at('ours'), at('theirs')], at('sealed'))).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: 'two models are named sotto-extractive',
    found: `${join(at('ours'), 'extractive')}, ${join(at('theirs'), 'copy')}`,
  })
  expect(readdirSync(at('sealed'))).toEqual([])
})

it('says which folder is not there, or holds no model', async () => {
  await expect(seal([at('none')], at('sealed'))).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: `cannot read the models in ${at('none')}`,
  })
  mkdirSync(join(at('theirs'), 'empty'))
  await expect(seal([at('ours'), at('theirs')], at('sealed'))).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: `there is no model in ${at('theirs')}`,
  })
})

it.each([
  ['that is not JSON', '{', 'a manifest is not JSON'],
  ['that is an empty object', '{}', 'a manifest is malformed'],
  ['that is nothing', 'null', 'a manifest is malformed'],
])('refuses a manifest %s', async (_, text, message) => {
  const folder = join(at('theirs'), 'damaged')
  mkdirSync(folder)
  writeFileSync(join(folder, 'manifest.json'), text)
  for (const source of [at('theirs'), folder])
    await expect(seal([at('ours'), source], at('sealed'))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: `${join(folder, 'manifest.json')}: ${message}`,
    })
  expect(readdirSync(at('sealed'))).toEqual([])
})

it('names the file that a model lacks', async () => {
  rmSync(join(at('ours'), 'extractive', 'config.json'))
  await expect(seal([at('ours')], at('sealed'))).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: `sotto-extractive: cannot read ${join(at('ours'), 'extractive', 'config.json')}`,
  })
})

/** Gives the model of a folder another name, which its digest does not cover. */
function renameModel(folder: string, id: string): void {
  const file = join(folder, 'manifest.json')
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), id }))
}

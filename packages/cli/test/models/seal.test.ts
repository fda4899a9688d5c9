import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sealModels } from '../../src/stack/models.ts'

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
  mkdirSync(join(at('theirs'), '.partial', 'half'), { recursive: true })
  const sealed = await sealModels([at('ours'), at('theirs')], at('sealed'))
  expect(sealed.map(({ name }) => name)).toEqual(['sotto-extractive'])
  expect(readdirSync(at('sealed'))).toEqual(sealed.map(({ file }) => file))
})

it('refuses two models of one name before it seals any', async () => {
  cpSync(EXTRACTIVE, join(at('theirs'), 'copy'), { recursive: true })
  await expect(sealModels([at('ours'), at('theirs')], at('sealed'))).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: 'two models are named sotto-extractive',
    found: `${join(at('ours'), 'extractive')}, ${join(at('theirs'), 'copy')}`,
  })
  expect(readdirSync(at('sealed'))).toEqual([])
})

it('refuses a folder that is not there, and a damaged manifest', async () => {
  await expect(sealModels([at('none')], at('sealed'))).rejects.toMatchObject({ code: 'MODEL_INVALID' })
  mkdirSync(join(at('theirs'), 'damaged'))
  writeFileSync(join(at('theirs'), 'damaged', 'manifest.json'), '{')
  await expect(sealModels([at('theirs')], at('sealed'))).rejects.toMatchObject({ code: 'MODEL_INVALID' })
})

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { SottoError } from '@sotto/protocol/errors'
import { defineCommand } from '../../src/framework/index.ts'
import { keepReceipts, RECEIPT_FLAG } from '../../src/service/index.ts'
import { type RunResult, runInMemory } from '../support/memory-io.ts'

let cwd: string
beforeEach(() => (cwd = mkdtempSync(join(tmpdir(), 'sotto-receipts-'))))
afterEach(() => rmSync(cwd, { recursive: true }))

const receipt = (part: number) => ({ part }) as unknown as SavedReceipt

function keep(receiptsOf: () => Promise<SavedReceipt[]>, ...argv: string[]): Promise<RunResult> {
  const command = defineCommand({
    path: ['keep'],
    summary: 'keeps receipts',
    flags: RECEIPT_FLAG,
    async run(context, _, flags) {
      context.out(String((await keepReceipts(context, receiptsOf, flags.receipt)).length))
    },
  })
  return runInMemory([command], ['keep', ...argv], { cwd })
}

it('keeps each part of a long answer in a file of its own, for nobody else to read', async () => {
  const parts = async () => [receipt(1), receipt(2), receipt(3)]
  const { code, stdout, stderr } = await keep(parts, '--receipt', 'note.json')
  expect([code, stdout]).toEqual([0, '3\n'])
  expect(readdirSync(cwd).toSorted()).toEqual(['note.json', 'note.json.2', 'note.json.3'])
  expect(JSON.parse(readFileSync(join(cwd, 'note.json.2'), 'utf8'))).toEqual({ part: 2 })
  expect(statSync(join(cwd, 'note.json.3')).mode & 0o777).toBe(0o600)
  expect(stderr).toContain('receipt kept in note.json.3')
})

it.each([
  ['RECEIPT_MISSING', [], 0],
  ['RECEIPT_MISSING', ['--receipt', 'a.json'], 1],
  ['RECEIPT_INVALID', [], 1],
])('of a receipt that is %s, with %j', async (code, argv, failed) => {
  const result = await keep(() => Promise.reject(new SottoError(code, 'stop', 'none')), ...argv)
  expect(Math.sign(result.code)).toBe(failed)
  expect(readdirSync(cwd)).toEqual([])
})

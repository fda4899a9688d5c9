import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeEmptyDirectory } from '../../src/sandbox/index.ts'

let root: string
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'sotto-empty-'))))
afterEach(() => rmSync(root, { recursive: true }))
const NAMESPACE = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]
const make = (name: string): string => {
  mkdirSync(join(root, name))
  return join(root, name)
}

it('is empty, writable for nobody, and named after its owner', () => {
  const directory = makeEmptyDirectory(root)
  expect(readdirSync(directory)).toEqual([])
  expect(statSync(directory).mode & 0o777).toBe(0o555)
  expect(basename(directory)).toMatch(new RegExp(`^sotto-engine-${NAMESPACE}-${process.pid}-\\d+-`))
})

it('is removed by the next host when its own was killed, its number reused or not', () => {
  const living = makeEmptyDirectory(root)
  const [, , , , started] = basename(living).split('-')
  const dead = [
    make(`sotto-engine-${NAMESPACE}-${2 ** 22 + 1}-${started}-AbCd12`),
    make(`sotto-engine-${NAMESPACE}-${process.pid}-1-AbCd12`),
  ]
  const own = makeEmptyDirectory(root)
  expect(dead.filter(existsSync)).toEqual([])
  expect([living, own].every(existsSync)).toBe(true)
})

it('leaves alone what may be somebody else’s', () => {
  const full = make(`sotto-engine-${NAMESPACE}-${process.pid}-1-AbCd12`)
  writeFileSync(join(full, 'file'), '')
  const others = [
    full,
    make(`sotto-engine-1-${process.pid}-1-AbCd12`),
    make('sotto-engine-AbCd12'),
    make(`x-sotto-engine-${NAMESPACE}-${process.pid}-1-AbCd12`),
  ]
  makeEmptyDirectory(root)
  expect(others.every(existsSync)).toBe(true)
})

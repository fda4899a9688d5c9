import { expect, it } from 'vitest'
import { chooseFiles, partBytesOf } from '../../src/pages/models/chosen-files.ts'

const file = (name: string, content = 'x'): File => new File([content], name)

it('takes one model file with what belongs to it, and leaves out what people leave in folders', () => {
  const { files, bytes, name } = chooseFiles([
    file('My Model.GGUF', 'abc'),
    file('tokenizer.json', 'de'),
    file('README.md'),
    file('.DS_Store'),
  ])
  expect([Object.keys(files), bytes, name]).toEqual([['My Model.GGUF', 'tokenizer.json'], 5, 'my-model'])
})

it('takes what a manifest lists; the manifest is not part of what is sealed', () => {
  const { bytes, name } = chooseFiles([file('manifest.json', '{}'), file('config.json', 'abc')])
  expect([bytes, name]).toEqual([3, 'model'])
})

it.each([
  [['notes.txt'], 'Choose one .gguf or .onnx file'],
  [['story.sealed'], 'sealed already'],
  [Array.from({ length: 70 }, (_, index) => `${index}.onnx`), 'At most 65 files'],
])('refuses %j in words', (names, what) => {
  expect(() => chooseFiles(names.map((name) => file(name)))).toThrow(what)
})

it('refuses an empty file', () => {
  expect(() => chooseFiles([file('a.onnx', '')])).toThrow('a.onnx is empty')
})

it('cuts small files into many parts, and large ones into parts that are not too many', () => {
  expect([0, 5e6, 6.4e7, 1e11].map(partBytesOf)).toEqual([1_048_576, 1_048_576, 4_000_000, 8_388_608])
})

import type { ModelManifest } from '../../engines/index.ts'

/**
 * The files of a model out of the one stream that a sealed artifact is: in the manifest's order, each to be read to its
 * end before the next. After the last byte `finish` is called: until then nobody has the last file whole.
 */
export function splitFiles(
  { files }: Pick<ModelManifest, 'files'>,
  content: AsyncIterable<Uint8Array>,
  finish: () => Promise<void>,
): Map<string, AsyncIterable<Uint8Array>> {
  const source = content[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()

  async function* take(size: number, isLast: boolean): AsyncGenerator<Uint8Array, void> {
    for (let left = size; left > 0;) {
      if (rest.length === 0) {
        const next = await source.next()
        if (next.done === true) break
        rest = next.value
        continue
      }
      const part = rest.subarray(0, left)
      rest = rest.subarray(part.length)
      left -= part.length
      yield part
      // It has been copied to where it belongs.
      part.fill(0)
    }
    if (isLast) await finish()
  }

  return new Map(files.map(({ name, size }, index) => [name, take(size, index === files.length - 1)]))
}

/** A process that takes all tokens of a shelf in a folder, one after the other, and says which. */
import { writeSync } from 'node:fs'
import { toHex } from '@sotto/protocol/bytes'
import { fileStorage } from '../../src/node/index.ts'
import { openShelf } from '../../src/tokens/shelf.ts'

const shelf = openShelf(fileStorage(process.argv[2]!), 'key', 'standard')
for (let isEmpty = false; !isEmpty;) {
  await shelf.update((tokens) => {
    const [first, ...rest] = tokens
    isEmpty = first === undefined
    if (first === undefined) return tokens
    writeSync(1, `${toHex(first.token.nonce)}\n`)
    return rest
  })
}

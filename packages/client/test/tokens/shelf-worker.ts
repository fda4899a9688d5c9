/** A process that uses a shelf: takes tokens and says which, or stops in the middle to be killed. */
import { writeSync } from 'node:fs'
import { toHex } from '@sotto/protocol/bytes'
import { fileTokenShelf } from '../../src/node/index.ts'

const [, , file, task] = process.argv
const shelf = fileTokenShelf(file!)
const say = (line: string): number => writeSync(1, `${line}\n`)

async function take(onTaken: (nonce: string) => void = () => undefined): Promise<string | undefined> {
  let nonce: string | undefined
  await shelf.update((tokens) => {
    const [first, ...rest] = tokens
    if (first === undefined) return tokens
    onTaken((nonce = toHex(first.token.nonce)))
    return rest
  })
  return nonce
}
/** Until somebody kills this process, and nothing else runs in it. */
const stop = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)

if (task === 'take all') for (let one = await take(); one !== undefined; one = await take()) say(one)
if (task === 'take one and stop') {
  say((await take())!)
  stop()
}
if (task === 'stop while taking')
  await take((nonce) => {
    say(nonce)
    stop()
  })
if (task === 'take one') say(await take().then(String, (error: { code?: string }) => `failed ${error.code}`))

import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { openSqliteStore } from '../../src/store/index.ts'

/** Writes transitions until it is killed; prints each number once its commit has returned. */
const store = openSqliteStore({ path: process.argv[2]!, sealingKey: new Uint8Array(32).fill(7) })
const last = (await store.readAll()).find((record) => record.key === 'counter')
for (let n = last === undefined ? 1 : Number(new TextDecoder().decode(last.value)) + 1; ; n++) {
  const value = utf8(String(n))
  await store.commit([
    { table: 't', key: 'counter', value },
    { table: 't', key: 'twin', value },
    { table: 'log', key: String(n % 50), value: utf8(toHex(crypto.randomBytes(2000))) },
    { table: 'log', key: String((n + 7) % 50), value: null },
  ])
  process.stdout.write(`${n}\n`)
}

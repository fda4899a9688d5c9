/**
 * Installs an optional part of the product: `node scripts/parts.ts rooms` prints the folder that has it. A part that is
 * installed as its lock file says is left alone.
 */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { installPart } from './build/parts.ts'

const PARTS = resolve(import.meta.dirname, '../parts')

const known = readdirSync(PARTS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const [name] = process.argv.slice(2)
if (name === undefined || !known.includes(name)) {
  process.stderr.write(
    `error: name a part\nhint: ${known.map((one) => `node scripts/parts.ts ${one}`).join(', ')}\n`,
  )
  process.exit(1)
}
installPart(join(PARTS, name))
process.stdout.write(`${join(PARTS, name)}\n`)

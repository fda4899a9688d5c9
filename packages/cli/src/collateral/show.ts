import { resolve } from 'node:path'
import { readCollateral } from '@sotto/client/node'
import { type Command, defineCommand } from '../framework/index.ts'
import { formatBytes, printableLine } from '../terminal/index.ts'
import { timeText, listPieces } from './pieces.ts'

/** `sotto collateral show FILE|DIR` */
export const collateralShow: Command = defineCommand({
  path: ['collateral', 'show'],
  summary: 'List what is in a bundle of collateral',
  description:
    'Says of each piece what it claims to be and until when, by its content. Nothing is verified: that is what ' +
    'sotto verify does.',
  arguments: [{ name: 'FILE|DIR', summary: 'packed file, or folder of pieces', required: true }],
  flags: {},
  examples: ['sotto collateral show collateral.json', 'sotto collateral show collateral --json | jq .pieces'],
  async run(context, [path = '']) {
    const { io, global, style } = context
    const { fetchedAt, pieces } = await readCollateral(resolve(io.cwd, path))
    const now = Math.floor(io.now() / 1000)
    const listed = listPieces(pieces, now)
    if (global.json) return context.json({ path, fetchedAt, pieces: listed })
    for (const { name, what, size, validUntil, expired } of listed) {
      const until = validUntil === null ? '' : `, until ${timeText(validUntil)}`
      context.out(`${name}  ${formatBytes(size)}`)
      context.out(`    ${printableLine(what)}${until}${expired ? style.out.yellow(' (out of date)') : ''}`)
    }
    if (fetchedAt !== null) context.out(`fetched ${timeText(fetchedAt)}`)
    if (listed.length === 0) context.note('there are no pieces in it')
  },
})

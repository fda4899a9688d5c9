import { resolve } from 'node:path'
import { packCollateral } from '@sotto/client/collateral'
import { readCollateral, writeWhole } from '@sotto/client/node'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../errors.ts'
import { type Command, defineCommand } from '../framework/index.ts'
import { formatBytes } from '../terminal/index.ts'
import { cannotWrite, countText } from './pieces.ts'

/** `sotto collateral pack DIR -o FILE` */
export const collateralPack: Command = defineCommand({
  path: ['collateral', 'pack'],
  summary: 'Put a folder of collateral into one file',
  description:
    'Writes one JSON document with every piece, its size and its digest: for machines that reach no vendor, and ' +
    'to keep beside evidence that has to be verified again later. The same pieces always give the same bytes.',
  arguments: [
    {
      name: 'DIR',
      summary: 'folder that sotto collateral fetch wrote, or any other of pieces',
      required: true,
    },
  ],
  flags: {
    output: { type: 'string', short: 'o', value: 'FILE', summary: 'file to write, - for standard output' },
  },
  examples: ['sotto collateral pack collateral -o collateral.json'],
  async run(context, [folder = ''], flags) {
    const { io, global } = context
    if (flags.output === undefined)
      throw cliError('CLI_USAGE', 'nothing says where to write to', { hint: 'add -o FILE' })
    const bundle = await readCollateral(resolve(io.cwd, folder))
    const packed = packCollateral(bundle)
    if (flags.output === '-') return void io.stdout.write(packed)
    const file = resolve(io.cwd, flags.output)
    await writeWhole(file, packed, 0o644).catch((cause: unknown) => {
      throw cannotWrite(file, cause)
    })
    const [pieces, sha256] = [Object.keys(bundle.pieces).length, toHex(crypto.sha256(packed))]
    if (global.json) context.json({ file, pieces, bytes: packed.length, sha256, fetchedAt: bundle.fetchedAt })
    else context.out(`${flags.output}: ${countText(pieces)}, ${formatBytes(packed.length)}, sha256 ${sha256}`)
  },
})

import { resolve } from 'node:path'
import { type Command, defineCommand } from '../../framework/index.ts'
import { hashLayers, readLayer, readLayout } from '../../oci/index.ts'
import { formatBytes } from '../../terminal/index.ts'

/** `sotto images inspect DIR` */
export const imagesInspect: Command = defineCommand({
  path: ['images', 'inspect'],
  summary: 'Check an image and show what it runs',
  description:
    'Reads every layer and compares it with its digests. --layer-hashes also prints the dm-verity root hash of each,\n' +
    'as the policies of Confidential ACI name it.',
  arguments: [{ name: 'DIR', summary: 'folder of the image', required: true }],
  flags: {
    'layer-hashes': { type: 'boolean', summary: 'root hashes of the layers, from the lowest to the highest' },
  },
  examples: ['sotto images inspect dist/oci/kms --layer-hashes'],
  async run(context, [folder = ''], flags) {
    const image = await readLayout(resolve(context.io.cwd, folder))
    const { descriptor, manifest, config } = image
    const hashes = flags['layer-hashes'] ? await hashLayers(image) : undefined
    // Those who hash them have read them.
    if (hashes === undefined)
      for (let index = 0; index < manifest.layers.length; index++)
        for await (const _ of readLayer(image, index));
    const layers = manifest.layers.map(({ digest, size }, index) => ({
      digest,
      size,
      diffId: config.diffIds[index]!,
      ...(hashes && { layerHash: hashes[index]! }),
    }))
    const { architecture, config: run } = config
    if (context.global.json)
      return context.json({ digest: descriptor.digest, architecture, layers, config: run })
    context.out(`digest  ${descriptor.digest}`)
    context.out(`for     linux/${architecture}`)
    for (const { digest, size, layerHash } of layers)
      context.out(`layer   ${digest}  ${formatBytes(size)}${layerHash === undefined ? '' : `  ${layerHash}`}`)
    // Of an image that others made.
    const foreign = context.foreign()
    await foreign.write(`runs    ${JSON.stringify([...(run.Entrypoint ?? []), ...(run.Cmd ?? [])])}\n`)
    await foreign.write(`as      ${JSON.stringify(run.User ?? 'root')}\n`)
    await foreign.end()
  },
})

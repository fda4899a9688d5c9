import { resolve } from 'node:path'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import {
  formatReference,
  parseReference,
  pushImage,
  readDockerCredentials,
  readLayout,
} from '../../oci/index.ts'
import { createProgress } from '../../terminal/index.ts'

/** `sotto images push DIR HOST/REPOSITORY[:TAG]` */
export const imagesPush: Command = defineCommand({
  path: ['images', 'push'],
  summary: 'Upload an image to a registry',
  description:
    'Uploads the blobs that the registry does not have, then the manifest. Prints the reference by digest, which\n' +
    'deployments name. docker login keeps the credentials that are used.',
  arguments: [
    { name: 'DIR', summary: 'folder of the image', required: true },
    { name: 'HOST/REPOSITORY[:TAG]', summary: 'where to', required: true },
  ],
  flags: {},
  examples: ['sotto images push kms ghcr.io/example/sotto-kms:1.4.0'],
  async run(context, [folder = '', text = '']) {
    const { io, global, signal } = context
    const reference = parseReference(text)
    if (reference.digest !== undefined)
      throw cliError('CLI_USAGE', 'what is pushed has its own digest', { hint: 'leave @sha256:… out' })
    const image = await readLayout(resolve(io.cwd, folder))
    const bar = createProgress({
      sink: io.stderr,
      label: 'image',
      quiet: global.quiet,
      now: io.now,
      total: [image.manifest.config, ...image.manifest.layers].reduce((sum, { size }) => sum + size, 0),
    })
    try {
      const digest = await pushImage({
        image,
        reference,
        tag: reference.tag,
        fetch: io.fetch,
        signal,
        credentials: await readDockerCredentials(reference.registry, io.env),
        onBytes: (bytes) => bar.advance(bytes),
      })
      bar.end()
      const named = formatReference(reference, digest)
      if (global.json) context.json({ digest, reference: named })
      else context.out(named)
    } finally {
      bar.end()
    }
  },
})

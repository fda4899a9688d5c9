import { cliError } from '../errors.ts'
import type { CatalogueEntry } from './catalogue.ts'
import type { Hub, HubFile } from './hub.ts'

/**
 * A hub whose listing is what the catalogue says. Where every file is pinned, the hub is not even asked; else its
 * own listing stands for the others, and one that contradicts a pin is refused before anything is fetched.
 *
 * The hub controls its listing; what is pinned, it does not control.
 */
export function pinListing(hub: Hub, entry: CatalogueEntry): Hub {
  return {
    origin: hub.origin,
    open: (path, start, signal, etag) => hub.open(path, start, signal, etag),
    list: async (signal) =>
      entry.isComplete ? entry.files.map(pinned) : merge(entry, await hub.list(signal)),
  }
}

function merge(entry: CatalogueEntry, listed: readonly HubFile[]): HubFile[] {
  for (const pin of entry.files) {
    const file = listed.find(({ path }) => path === pin.path)
    if (file === undefined)
      throw cliError('CLI_MODEL', `the hub has no ${pin.path} of ${entry.name}`, {
        hint: 'it should be there at that commit: try another hub with --hub',
      })
    if (file.size !== pin.size || (file.digest.kind === 'sha256' && file.digest.hex !== pin.sha256))
      throw cliError('CLI_MODEL_DIGEST', `the hub offers another ${pin.path} than the catalogue pins`, {
        expected: `sha256 ${pin.sha256}, ${pin.size} bytes`,
        found: `${file.digest.kind === 'git' ? 'git blob' : 'sha256'} ${file.digest.hex}, ${file.size} bytes`,
        hint: 'nothing was fetched; do not use this hub',
      })
  }
  return listed.map((file) => {
    const pin = entry.files.find(({ path }) => path === file.path)
    return pin === undefined ? file : pinned(pin)
  })
}

function pinned({ path, size, sha256 }: CatalogueEntry['files'][number]): HubFile {
  return { path, size, digest: { kind: 'sha256', hex: sha256 } }
}

import { ENTRIES } from './catalogue-entries.ts'
import type { EngineChoice } from './engine-of.ts'

/** A file that must have exactly these bytes, whatever a hub says. */
export interface PinnedFile {
  /** Path inside the repository. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** A model that can be pulled by a short name. */
export interface CatalogueEntry extends Readonly<EngineChoice> {
  /** What `sotto models pull` takes and requests use. */
  readonly name: string
  /** `owner/name` on the hub. */
  readonly repository: string
  /** Commit; never a branch. */
  readonly revision: string
  /** SPDX identifier of the weights. */
  readonly license: string
  /** Those files whose digests are known. */
  readonly files: readonly PinnedFile[]
  /** Whether that is all of them: then the hub is trusted with nothing. */
  readonly isComplete: boolean
}

/** All entries, in the order in which they are shown. */
export const CATALOGUE: readonly CatalogueEntry[] = ENTRIES

/** The model of that name; undefined for anything else, such as a repository. */
export function findInCatalogue(name: string): CatalogueEntry | undefined {
  return CATALOGUE.find((entry) => entry.name === name)
}
